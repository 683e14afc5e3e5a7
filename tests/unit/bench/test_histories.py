"""Whatever else a history holds: a valid one passes, and a violation in it is found."""

import pytest
from hypothesis import HealthCheck, Phase, assume, given, settings
from hypothesis import strategies as st

from bench.record.metrics import Bucket, Verdict
from tests.unit.bench.builder import Story
from tests.unit.bench.histories import VIOLATIONS, change_final, histories

# A history takes milliseconds to make and to measure; shrinking takes many, and only on failure.
QUICK = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


@settings(QUICK, max_examples=100)
@given(histories())
def test_a_valid_history_passes_every_check(story: Story) -> None:
    metrics = story.metrics()
    short = [c for c in metrics.cells[0].checks if c.verdict is not Verdict.VALID]
    assert (short, metrics.verdict) == ([], Verdict.VALID)


@settings(QUICK, max_examples=100)
@given(histories())
def test_the_buckets_of_a_valid_history_add_up(story: Story) -> None:
    cell = story.cell()
    assert sum(cell.buckets.values()) == cell.jobs
    assert cell.buckets[Bucket.LOST] == cell.buckets[Bucket.PHANTOM] == 0
    assert cell.faults_confirmed == cell.trials == len(cell.recovery_s.samples)


@pytest.mark.parametrize("what", VIOLATIONS)
@settings(QUICK, max_examples=15, phases=[Phase.generate, Phase.shrink])
@given(story=histories())
def test_a_planted_violation_is_found_whatever_else_is_there(what: str, story: Story) -> None:
    violation = VIOLATIONS[what]
    violation.plant(story)
    check = story.check(violation.check)
    assert check.verdict is violation.verdict, check
    assert violation.says in check.detail
    assert story.metrics().verdict is Verdict.INVALID


@pytest.mark.parametrize(
    "missing",
    [
        {"status": None, "readable": None},
        {"readable": None},
    ],
)
@settings(QUICK, max_examples=15)
@given(story=histories())
def test_an_answer_that_is_missing_makes_a_run_unknown_and_accuses_nobody(
    missing: dict[str, object], story: Story
) -> None:
    change_final(story, **missing)
    cell = story.cell()
    assert story.metrics().verdict is Verdict.UNKNOWN
    assert story.check("buckets add up").verdict is Verdict.UNKNOWN
    assert cell.buckets[Bucket.LOST] == cell.buckets[Bucket.PHANTOM] == 0
    assert sum(cell.buckets.values()) == cell.jobs


@settings(QUICK, max_examples=40)
@given(histories(), st.sets(st.sampled_from(sorted(VIOLATIONS)), min_size=2, max_size=4))
def test_one_violation_does_not_hide_another_from_the_verdict(
    story: Story, several: set[str]
) -> None:
    # A second effect makes up for a missing one: together they are no violation.
    assume(several != {"missing effect", "second applied effect"})
    for what in sorted(several):
        VIOLATIONS[what].plant(story)
    assert story.metrics().verdict is Verdict.INVALID
