"""What may be said of a sample, and what may not."""

import random
from dataclasses import replace
from statistics import median

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.checkers.statistics import (
    bootstrap_difference,
    bootstrap_median,
    fisher,
    recovery_curve,
    summarise,
    survival_curve,
    wilson,
)
from shared.domain.status import JobStatus
from tests.unit.bench.builder import Story

seconds = st.floats(-100, 1000, allow_nan=False)


@pytest.mark.parametrize(
    ("hits", "of", "low", "high"),
    # From R: prop.test(hits, of, correct=FALSE)$conf.int
    [
        (0, 20, 0.0, 0.16113),
        (20, 20, 0.83887, 1.0),
        (5, 20, 0.11186, 0.46870),
        (1, 3, 0.06149, 0.79234),
    ],
)
def test_wilson_agrees_with_published_values(hits: int, of: int, low: float, high: float) -> None:
    assert wilson(hits, of).ci95 == pytest.approx((low, high), abs=5e-5)


def test_nothing_of_nothing_has_no_interval() -> None:
    assert wilson(0, 0).ci95 is None


def test_more_hits_than_trials_are_refused() -> None:
    with pytest.raises(ValueError, match="3 of 2"):
        wilson(3, 2)


@given(st.integers(0, 200), st.integers(0, 200))
def test_wilson_holds_the_rate_between_0_and_1(hits: int, misses: int) -> None:
    of = hits + misses
    if of:
        low, high = wilson(hits, of).ci95 or (1.0, 0.0)
        assert 0 <= low <= hits / of <= high <= 1


@pytest.mark.parametrize(
    ("n", "has_median", "has_interval"), [(2, 0, 0), (3, 1, 0), (9, 1, 0), (10, 1, 1)]
)
def test_small_samples_carry_less(n: int, has_median: bool, has_interval: bool) -> None:
    got = summarise([float(i) for i in range(n)])
    assert (got.median is not None, got.ci95 is not None) == (has_median, has_interval)
    assert len(got.samples) == n


def test_a_median_of_the_lucky_minority_is_not_given() -> None:
    assert summarise([1.0] * 10, censored=10).median == 1.0
    assert summarise([1.0] * 10, censored=11).median is None
    assert summarise([1.0] * 10, censored=11).ci95 is None


def test_negative_and_zero_samples_stay() -> None:
    assert summarise([0.0, -1.0, 2.0]).samples == [-1.0, 0.0, 2.0]


@given(st.lists(seconds, min_size=10, max_size=40))
def test_the_interval_holds_the_median_and_stays_in_the_sample(samples: list[float]) -> None:
    low, high = bootstrap_median(samples)
    assert min(samples) <= low <= median(samples) <= high <= max(samples)


def test_the_interval_is_the_same_every_time_and_in_any_order() -> None:
    samples = [float(i * i % 37) for i in range(20)]
    assert bootstrap_median(samples) == bootstrap_median(samples[::-1])


def test_the_interval_is_the_exact_one_of_the_bootstrap() -> None:
    # n = 11: the middle rank r has P(r <= k) = P(Binomial(11, k / 11) >= 6), which is 0.0119 at
    # k = 2 and 0.0615 at k = 3, so the quantiles 0.025 and 0.975 are the 3rd and the 9th sample.
    assert bootstrap_median([float(i) for i in range(1, 12)]) == (3.0, 9.0)


def test_the_curve_steps_up_at_each_recovery() -> None:
    curve = survival_curve([2.0, 1.0, 2.0, 4.0])
    assert curve == [(0.0, 0.0), (1.0, 0.25), (2.0, 0.75), (4.0, 1.0)]


def test_trials_that_never_recover_stay_in_the_curve() -> None:
    assert survival_curve([1.0], [30.0, 30.0, 30.0])[-2:] == [(1.0, 0.25), (30.0, 0.25)]
    assert survival_curve([], [30.0]) == [(0.0, 0.0), (30.0, 0.0)]
    assert survival_curve([]) == [(0.0, 0.0)]


def test_a_trial_watched_for_less_time_is_at_risk_only_as_long() -> None:
    # Kaplan-Meier by hand: 3/4 wait past 1 s; the one watched 2 s leaves; 1/2 of 3/4 past 3 s.
    curve = survival_curve([1.0, 3.0], [2.0, 9.0])
    assert curve == [
        (0.0, 0.0),
        (1.0, 0.25),
        (3.0, pytest.approx(0.625)),
        (9.0, pytest.approx(0.625)),
    ]


@given(st.lists(st.floats(0, 100)), st.lists(st.floats(0, 100)))
def test_the_curve_never_falls_nor_leaves_0_to_1(got: list[float], never: list[float]) -> None:
    times, shares = zip(*survival_curve(got, never), strict=True)
    assert list(times) == sorted(times)
    assert list(shares) == sorted(shares)
    assert 0 <= shares[0] <= shares[-1] <= 1 + 1e-9


def test_a_cells_curve_leaves_out_what_was_not_confirmed_or_had_nothing_to_recover() -> None:
    story = Story(fault="sigkill", trials=2).killed("a", after=5.0).submit("b", 20)
    story.denoise("b", "b-1", at=20, done=(0, 5), ends=None).fault("t", "b", "b-1", 26.0)
    cell = story.final("b", JobStatus.RUNNING, held=False, at=100).cell()
    assert cell.recovery_curve == [(0.0, 0.0), (5.0, 0.5), (74.0, 0.5)]
    graceful = [replace(trial, graceful=True) for trial in cell.trial_list]
    assert recovery_curve(graceful) == [(0.0, 0.0)]


@pytest.mark.parametrize(
    ("tables", "p"),
    [
        ((3, 4, 1, 4), 0.4857),  # Fisher's lady tasting tea, two-sided
        ((8, 10, 1, 6), 0.03497),  # the example of SciPy's documentation
        ((0, 10, 10, 10), 1.0825e-05),
        ((2, 9, 2, 9), 1.0),
        ((0, 0, 3, 5), 1.0),
        ((0, 0, 0, 0), 1.0),
    ],
)
def test_fishers_test_gives_the_published_values(
    tables: tuple[int, int, int, int], p: float
) -> None:
    hits, of, other_hits, other_of = tables
    assert fisher(hits, of, other_hits, other_of) == pytest.approx(p, rel=1e-3)
    assert fisher(other_hits, other_of, hits, of) == pytest.approx(p, rel=1e-3)


def test_the_interval_of_a_difference_lies_around_it_and_changes_sign_with_the_order() -> None:
    one, other = [5 + i / 10 for i in range(20)], [3 + i / 10 for i in range(20)]
    low, high = bootstrap_difference(one, other)
    assert 0 < low < 2 < high < 4
    turned = bootstrap_difference(other, one)
    assert turned == (pytest.approx(-high, abs=0.3), pytest.approx(-low, abs=0.3))
    wide = bootstrap_difference(one, other, 0.999)
    assert wide[0] < low < high < wide[1]


def test_samples_of_one_kind_rarely_seem_to_differ() -> None:
    draw = random.Random(3)
    seemed = 0
    for _ in range(60):
        one, other = ([draw.uniform(4, 6) for _ in range(12)] for _ in range(2))
        low, high = bootstrap_difference(one, other)
        seemed += low > 0 or high < 0
    assert seemed <= 8
