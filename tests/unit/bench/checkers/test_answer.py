"""Two sentences that say what the table says, whatever it is."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.checkers.answer import answer
from bench.checkers.statistics import summarise, wilson
from bench.record.metrics import Bucket, CellMetrics, Trial, Verdict
from tests.unit.bench.builder import Story

_BLANK = Story().cell()


def cell(
    arm: str,
    *,
    kills: int = 20,
    lost: int = 0,
    unrecovered: int = 0,
    others_lost: int = 0,
    phantoms: int = 0,
    recoveries: list[float] | None = None,
    resumed_from: int = 4,
    **changes: object,
) -> CellMetrics:
    """A `sigkill` cell with these numbers."""
    recoveries = [4.0] * (kills - lost - unrecovered) if recoveries is None else recoveries
    trials = [
        Trial("t", "j", "s", True, Bucket.COMPLETED, 0.0, r, r, None, "5/10", resumed_from)
        for r in recoveries
    ]
    made = replace(
        _BLANK,
        arm=arm,
        engine=arm.split("/")[0],
        profile=arm.split("/")[1],
        fault="sigkill",
        faults_confirmed=kills,
        buckets={
            Bucket.LOST: lost + others_lost,
            Bucket.UNRECOVERED: unrecovered,
            Bucket.PHANTOM: phantoms,
        },
        lost_per_fault=wilson(lost, kills),
        recovery_s=summarise(recoveries, kills - len(recoveries)),
        trial_list=trials,
        verdict=Verdict.VALID,
    )
    return replace(made, **changes)  # type: ignore[arg-type]


def test_the_usual_answer() -> None:
    first, second = answer(
        [
            cell("celery/hardened", recoveries=[5.6] * 20, resumed_from=0),
            cell("temporal/hardened", recoveries=[3.9] * 20),
            cell("celery/stock", lost=20, recoveries=[]),
            cell("temporal/stock", recoveries=[12.0] * 18, unrecovered=2, resumed_from=0),
        ]
    )
    assert first == (
        "When a GPU worker was killed in the middle of a job, celery/hardened lost 0 of 20 killed"
        " jobs and had the step at work again after a median 5.6 s, from the beginning;"
        " temporal/hardened lost 0 of 20 killed jobs and had the step at work again after a median"
        " 3.9 s, from a checkpoint."
    )
    assert second == (
        "With stock settings, celery/stock lost 20 of 20 killed jobs and started no killed step"
        " again; temporal/stock lost 0 of 20 killed jobs, left 2 jobs unrecovered at the drain"
        " deadline (its predicted bound is 10 s), and had the step at work again 18 times, after a"
        " median 12.0 s, from the beginning."
    )


def test_no_cells_at_all() -> None:
    first, second = answer([])
    assert "hardened" in first
    assert "stock" in second


def test_an_arm_without_a_confirmed_kill_claims_nothing() -> None:
    first, _ = answer([cell("celery/hardened"), cell("temporal/hardened", kills=0)])
    assert first.endswith("; temporal/hardened had no confirmed kill.")
    first, _ = answer([cell("celery/hardened", kills=0)])
    assert first.startswith("No GPU worker was seen to die")


def test_faults_beside_kills_are_not_the_question() -> None:
    first, _ = answer([cell("celery/hardened"), cell("celery/hardened", fault="sigterm", lost=9)])
    assert "lost 0 of 20 killed jobs" in first


def test_a_run_without_kills_is_told_by_what_its_faults_cost() -> None:
    sentences = answer(
        [
            cell("celery/hardened", fault="zombie", kills=5, jobs=8, duplicate_effects=1),
            cell("celery/hardened", fault="partition", kills=5, jobs=9),
            cell("celery/stock", fault="zombie", kills=5, jobs=8, unrecovered=5),
        ]
    )
    assert sentences == [
        "celery/hardened lost 0 of 17 jobs under 2 kinds of fault (10 confirmed), left 0 open at"
        " the deadline and applied 1 effect twice.",
        "With stock settings, celery/stock lost 0 of 8 jobs under zombie (5 confirmed), left 5"
        " open at the deadline and applied 0 effects twice.",
    ]


def test_a_run_in_which_nothing_was_struck_says_so() -> None:
    first, second = answer([cell("celery/hardened", fault="none", kills=0)])
    assert first.startswith("No GPU worker was seen to die")
    assert second.startswith("No GPU worker was seen to die")


def test_what_settings_alone_bought_is_said_between_the_two() -> None:
    cells = [cell(f"celery/{rung}", recoveries=[4.0] * 20) for rung in ("hardened", "tuned")]
    first, second, third = answer([*cells, cell("celery/stock", lost=20)])
    assert "celery/hardened" in first
    assert second.startswith("With settings alone, celery/tuned lost 0 of 20 killed jobs")
    assert third.startswith("With stock settings, celery/stock lost 20 of 20")
    tuned = [cell("celery/tuned", fault="zombie", kills=5, jobs=8)]
    assert answer(tuned)[0].startswith("With settings alone, celery/tuned lost 0 of 8 jobs")


def test_losses_on_hardened_are_said_first() -> None:
    first, _ = answer([cell("celery/hardened", kills=3, lost=1, recoveries=[4.0, 6.0])])
    assert "lost 1 of 3 killed jobs" in first
    assert "had the step at work again twice, after 4.0 to 6.0 s" in first


def test_a_single_kill_is_singular() -> None:
    first, _ = answer([cell("celery/hardened", kills=1)])
    assert "lost 0 of 1 killed job and had the step at work again after 4.0 s" in first


def test_jobs_lost_without_a_kill_of_their_own_are_not_hidden() -> None:
    first, _ = answer([cell("celery/hardened", others_lost=2, phantoms=1)])
    assert "lost 2 more that no kill had hit" in first
    assert "reported 1 job as done with something missing" in first


def test_compute_drivers_are_added_up_and_the_median_says_whose_it_is() -> None:
    first, _ = answer(
        [
            cell("celery/hardened", kills=3, recoveries=[9.0] * 3, compute="diffusers"),
            cell("celery/hardened", recoveries=[5.0] * 20, compute="simulated"),
        ]
    )
    assert "lost 0 of 23 killed jobs" in first
    assert "after a median 5.0 s on the simulated GPU" in first


def test_what_an_arm_took_with_another_budget_is_said_beside_it() -> None:
    """Or two medians of different budgets would be one number."""
    cells = [
        cell("celery/hardened", kills=4, recoveries=[4.0, 4.5, 5.0, 5.5], detection_budget_s=6.0),
        cell("celery/hardened", kills=3, recoveries=[1.5, 2.0, 2.5], detection_budget_s=4.0),
    ]
    first, _ = answer(cells)
    assert "a median 4.8 s with a detection budget of 6 s (2.0 s with one of 4 s)" in first


def test_mixed_resumption_is_said_in_numbers() -> None:
    mixed = cell("celery/hardened", kills=3)
    trials = [replace(mixed.trial_list[0], resumed_from=0), *mixed.trial_list[1:]]
    first, _ = answer([replace(mixed, trial_list=trials)])
    assert "from a checkpoint in 2 of 3 cases" in first


@pytest.mark.parametrize("verdict", [Verdict.INVALID, Verdict.UNKNOWN])
def test_a_verdict_that_is_not_valid_is_said(verdict: Verdict) -> None:
    first, _ = answer([cell("celery/hardened", verdict=verdict)])
    assert f"celery/hardened (verdict: {verdict}) lost 0 of 20" in first


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["celery/hardened", "temporal/hardened", "celery/stock"]),
            st.integers(0, 15),
            st.integers(0, 15),
            st.integers(0, 3),
            st.lists(st.floats(0, 99), max_size=15),
            st.sampled_from(["simulated", "diffusers"]),
        ),
        max_size=5,
    )
)
def test_there_are_always_two_whole_sentences(
    rows: list[tuple[str, int, int, int, list[float], str]],
) -> None:
    cells = [
        cell(
            arm,
            kills=kills,
            lost=min(lost, kills),
            others_lost=others,
            recoveries=recoveries[:kills],
            compute=compute,
        )
        for arm, kills, lost, others, recoveries, compute in rows
    ]
    sentences = answer(cells)
    assert len(sentences) == 2
    for sentence in sentences:
        assert sentence[0].isupper()
        assert sentence.endswith(".")
        assert ". " not in sentence
        assert "  " not in sentence
