"""Every submitted job is in exactly one bucket, and a breach of that is seen."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.checkers.buckets import ACCEPTED
from bench.record.history import OpPhase
from bench.record.metrics import Bucket, Verdict
from shared.domain.status import JobStatus, RecordKind
from tests.unit.bench.builder import Story

CHECK = "buckets add up"


def bucket_of_one(story: Story) -> Bucket:
    """The bucket of a story's only job."""
    [bucket] = [bucket for bucket, count in story.cell().buckets.items() if count]
    return bucket


def test_a_clean_job_is_completed() -> None:
    assert bucket_of_one(Story().healthy("a")) is Bucket.COMPLETED


def test_a_job_that_the_engine_holds_no_more_is_lost() -> None:
    story = Story().submit("a").final("a", JobStatus.WAITING, held=False)
    assert bucket_of_one(story) is Bucket.LOST


def test_a_job_that_the_facade_does_not_know_is_lost() -> None:
    assert bucket_of_one(Story().submit("a").final("a", None, held=False)) is Bucket.LOST


@pytest.mark.parametrize("due_in_s", [None, 300.0, 0.0, -0.5])
def test_a_job_that_the_engine_still_holds_is_unrecovered(due_in_s: float | None) -> None:
    story = Story().submit("a").final("a", JobStatus.RUNNING, held=True, due_in_s=due_in_s)
    assert bucket_of_one(story) is Bucket.UNRECOVERED


def test_a_held_job_whose_own_bound_has_passed_is_lost() -> None:
    story = Story().submit("a").final("a", JobStatus.RUNNING, held=True, due_in_s=-5.0)
    assert bucket_of_one(story) is Bucket.LOST


def test_a_success_with_an_unreadable_result_is_a_phantom() -> None:
    story = Story().submit("a").settled("a", 1.0).final("a", readable=False)
    assert bucket_of_one(story) is Bucket.PHANTOM


def test_a_success_without_one_of_its_effects_is_a_phantom() -> None:
    story = Story().submit("a").effect("a", "reserve_credits", 1).effect("a", "capture_credits", 2)
    assert bucket_of_one(story.final("a")) is Bucket.PHANTOM


def test_an_effect_that_was_only_suppressed_does_not_complete_a_job() -> None:
    story = Story().submit("a").settled("a", 1.0).final("a")
    story.history.effects = [replace(e, applied=False) for e in story.history.effects]
    assert bucket_of_one(story) is Bucket.PHANTOM


@pytest.mark.parametrize("status", [JobStatus.FAILED, JobStatus.TIMED_OUT])
def test_a_terminal_failure_is_failed(status: JobStatus) -> None:
    assert bucket_of_one(Story().submit("a").final("a", status)) is Bucket.FAILED


def test_a_cancelled_job_was_asked_for_and_compensated() -> None:
    story = Story().submit("a").client("cancel", "a", 1).effect("a", "reserve_credits", 1)
    story.effect("a", "release_credits", 2).final("a", JobStatus.CANCELLED)
    assert bucket_of_one(story) is Bucket.CANCELLED


def test_a_cancelled_job_without_its_compensation_does_not_add_up() -> None:
    story = Story().submit("a").client("cancel", "a", 1).effect("a", "reserve_credits", 1)
    check = story.final("a", JobStatus.CANCELLED).check(CHECK)
    assert check.verdict is Verdict.INVALID
    assert "without its compensation" in check.detail


def test_a_cancel_that_nobody_asked_for_does_not_add_up() -> None:
    check = Story().submit("a").final("a", JobStatus.CANCELLED).check(CHECK)
    assert check.verdict is Verdict.INVALID
    assert "nobody asked" in check.detail


def test_an_accepted_job_without_a_final_state_does_not_add_up() -> None:
    story = Story().healthy("a").submit("b")
    check = story.check(CHECK)
    assert check.verdict is Verdict.INVALID
    assert "b (its final state was not recorded)" in check.detail
    assert story.cell().buckets[Bucket.UNKNOWN] == 1


def test_an_open_job_of_which_nobody_said_whether_it_is_held_is_unknown() -> None:
    story = Story().submit("a").final("a", JobStatus.RUNNING, held=None)
    assert bucket_of_one(story) is Bucket.UNKNOWN
    assert story.check(CHECK).verdict is Verdict.UNKNOWN


def test_a_job_that_the_engine_has_closed_is_never_lost() -> None:
    story = Story().submit("a").final("a", JobStatus.RUNNING, held=False)
    [final] = story.history.finals
    story.history.finals = [replace(final, closed=True)]
    assert bucket_of_one(story) is Bucket.UNKNOWN
    assert story.metrics().verdict is Verdict.UNKNOWN


def test_a_status_that_does_not_exist_does_not_add_up() -> None:
    assert Story().submit("a").final("a", "finito").check(CHECK).verdict is Verdict.INVALID


def test_an_acceptance_without_a_job_does_not_add_up() -> None:
    assert Story().submit(None).check(CHECK).verdict is Verdict.INVALID


def test_a_job_that_no_client_submitted_does_not_add_up() -> None:
    check = Story().healthy("a").final("ghost").check(CHECK)
    assert check.verdict is Verdict.INVALID
    assert "ghost (no client submitted it)" in check.detail


def test_a_refused_submit_is_rejected() -> None:
    assert bucket_of_one(Story().submit(None, outcome=OpPhase.FAIL)) is Bucket.REJECTED
    assert bucket_of_one(Story().submit("a", outcome=OpPhase.FAIL)) is Bucket.REJECTED


@pytest.mark.parametrize("outcome", [OpPhase.INFO, None])
def test_a_submit_without_an_answer_is_unknown(outcome: OpPhase | None) -> None:
    assert bucket_of_one(Story().submit(None, outcome=outcome)) is Bucket.UNKNOWN
    assert bucket_of_one(Story().submit("a", outcome=outcome)) is Bucket.UNKNOWN


def test_an_unanswered_submit_whose_job_is_found_moves_to_its_real_bucket() -> None:
    story = Story().submit("a", outcome=OpPhase.INFO).settled("a", 5.0).final("a")
    assert bucket_of_one(story) is Bucket.COMPLETED
    assert story.cell().recovered_unknown == 1
    assert story.check(CHECK).verdict is Verdict.VALID


def test_a_job_without_a_client_belongs_to_a_submit_without_an_answer() -> None:
    story = Story().submit(None, outcome=OpPhase.INFO).settled("a", 5.0).final("a")
    assert bucket_of_one(story) is Bucket.COMPLETED
    assert story.cell().recovered_unknown == 1


def test_a_submit_sent_twice_is_one_job() -> None:
    story = Story().submit("a", outcome=OpPhase.INFO).healthy("a", 3.0)
    assert story.cell().jobs == 1
    assert bucket_of_one(story) is Bucket.COMPLETED


def test_a_later_try_that_is_accepted_settles_a_time_out() -> None:
    story = Story().submit("a", outcome=OpPhase.INFO, op_id="x").submit("a", 3.0, op_id="x")
    cell = story.settled("a", 5.0).final("a").cell()
    assert (cell.jobs, cell.recovered_unknown) == (1, 0)
    assert cell.accept_latency_s.samples == [pytest.approx(3.1)]


@pytest.mark.parametrize("first", [OpPhase.INFO, None])
def test_a_later_try_that_is_refused_settles_no_time_out(first: OpPhase | None) -> None:
    story = Story().submit(None, outcome=first, op_id="x")
    assert bucket_of_one(story.submit(None, 3.0, OpPhase.FAIL, op_id="x")) is Bucket.UNKNOWN


statuses = st.sampled_from([*JobStatus, None, "finito"])


@given(
    st.lists(
        st.tuples(
            st.sampled_from([OpPhase.OK, OpPhase.FAIL, OpPhase.INFO, None]),
            st.booleans(),
            st.booleans(),
            statuses,
            st.sampled_from([True, False, None]),
            st.sampled_from([None, -100.0, 100.0]),
            st.booleans(),
        ),
        max_size=8,
    )
)
def test_every_submit_is_in_one_bucket_whatever_happened(
    jobs: list[tuple[OpPhase | None, bool, bool, str | None, bool | None, float | None, bool]],
) -> None:
    story = Story()
    for index, (outcome, named, ended, status, flag, due_in_s, effects) in enumerate(jobs):
        job = f"job-{index}"
        story.submit(job if named else None, outcome=outcome)
        if ended:
            story.final(job, status, readable=flag, held=flag, due_in_s=due_in_s)
        if effects:
            story.attempt(job, f"{job}-1", at=1, working=1, ends=(RecordKind.FINISHED, 2))
            story.settled(job, 3)
    cell = story.cell()
    assert cell.jobs == sum(cell.buckets.values()) == len(jobs)
    unanswered = sum(outcome in (OpPhase.INFO, None) and not named for outcome, named, *_ in jobs)
    strangers = sum(ended and not named for _, named, ended, *_ in jobs) - unanswered
    accepted = sum(outcome is OpPhase.OK for outcome, *_ in jobs) + cell.recovered_unknown
    adds_up = sum(cell.buckets[bucket] for bucket in ACCEPTED) == accepted and strangers <= 0
    assert adds_up == (story.check(CHECK).verdict is Verdict.VALID)
