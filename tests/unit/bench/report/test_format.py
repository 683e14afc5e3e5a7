"""Rounding is one rule, the same wherever a number is printed."""

import pytest

from bench.record.metrics import Rate, Samples
from bench.report import format as fmt


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0 s"),
        (0.0034, "3.4 ms"),
        (0.0349, "35 ms"),
        (0.25, "0.25 s"),
        (4.24, "4.2 s"),
        (42.06, "42.1 s"),
        (1804.4, "1804 s"),
        (-2.5, "\u22122.5 s"),
    ],
)
def test_seconds_keep_about_two_digits(value: float, text: str) -> None:
    assert fmt.seconds(value).replace("\u00a0", " ") == text


@pytest.mark.parametrize(("value", "text"), [(15.0, "15 s"), (7.5, "7.5 s"), (1800.0, "1800 s")])
def test_a_duration_that_was_set_has_no_idle_decimal(value: float, text: str) -> None:
    assert fmt.given(value).replace("\u00a0", " ") == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0, "0 %"), (0.004, "0.4 %"), (0.35, "35 %"), (0.996, "99.6 %"), (1.0, "100 %")],
)
def test_a_share_rounds_to_all_or_nothing_only_if_it_is(value: float, text: str) -> None:
    assert fmt.share(value).replace("\u00a0", " ") == text


def test_a_range_names_its_unit_once_unless_the_ends_differ() -> None:
    assert fmt.seconds_range(3.1, 5.6) == "3.1\u20135.6\u00a0s"
    assert fmt.seconds_range(0.05, 1.5) == "50\u00a0ms to 1.5\u00a0s"


def test_a_median_comes_with_its_interval_and_exact_value() -> None:
    shown = fmt.median(Samples([1.0] * 12, 4.2499, (3.1, 5.6)), "recovered")
    assert (shown.text, shown.value) == ("4.2\u00a0s", "4.2499")
    assert shown.detail == "95\u00a0%: 3.1\u20135.6\u00a0s"


@pytest.mark.parametrize(
    ("samples", "why"),
    [
        (Samples([], None, None), "there was none to measure"),
        (Samples([], None, None, 20), "none of 20 recovered"),
        (Samples([1.0], None, None, 5), "only 1 of 6 recovered: the median lies beyond the drain"),
        (Samples([1.0, 2.0], None, None), "2 recovered; a median is given from 3 on"),
    ],
)
def test_a_median_that_is_none_is_a_dash_that_says_why(samples: Samples, why: str) -> None:
    shown = fmt.median(samples, "recovered")
    assert (shown.text, shown.value, shown.note) == (fmt.NONE, "null", why)


def test_a_small_sample_shows_its_range() -> None:
    shown = fmt.median(Samples([1.0, 2.5], None, None), "recovered")
    assert shown.detail.replace("\u00a0", " ") == "1.0\u20132.5 s, n = 2"


def test_a_rate_of_nothing_is_not_a_number() -> None:
    assert fmt.rate(Rate(0, 0, None), "kills") == "no kills"
    assert fmt.rate(Rate(3, 20, (0.052, 0.36)), "kills") == "3 of 20 kills, 5\u201336\u00a0%"


def test_zero_where_zero_is_good_is_quiet_and_anything_else_stands_out() -> None:
    assert fmt.tally(0, bad=True).tone is fmt.Tone.QUIET
    assert fmt.tally(1, bad=True).tone is fmt.Tone.ALARM
    assert fmt.tally(1).tone is fmt.Tone.PLAIN
