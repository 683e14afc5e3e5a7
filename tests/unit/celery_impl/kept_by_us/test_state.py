"""The state of jobs only moves forward, whatever is delivered twice."""

import time

import pytest
from sqlalchemy import Engine as Database

from celery_impl.kept_by_us.publication import Publications
from celery_impl.kept_by_us.state import JobStates, change
from celery_impl.kept_by_us.step_state import StepStates
from shared.domain.errors import UnknownJob
from shared.domain.jobs import IMAGE_GENERATION
from shared.domain.status import JobStatus
from shared.policy import ASSEMBLE, NOTIFY_USER, RESERVE_CREDITS

JOB = "00000000-0000-0000-0000-000000000001"


@pytest.fixture(autouse=True)
def job(states: JobStates) -> None:
    states.add(JOB, IMAGE_GENERATION, "{}", first_step=RESERVE_CREDITS)


def test_a_job_that_was_never_added_is_unknown(states: JobStates) -> None:
    with pytest.raises(UnknownJob):
        states.job("00000000-0000-0000-0000-000000000002")


def test_a_job_that_is_added_again_is_announced_once(
    states: JobStates, steps: StepStates, publications: Publications
) -> None:
    states.add(JOB, IMAGE_GENERATION, "{}", first_step=RESERVE_CREDITS)
    assert publications.due(JOB) == [RESERVE_CREDITS]
    steps.begin_attempt(JOB, RESERVE_CREDITS)
    states.add(JOB, IMAGE_GENERATION, "{}", first_step=RESERVE_CREDITS)
    assert publications.due(JOB) == []


def test_every_delivery_counts_as_an_attempt_and_the_job_runs(
    states: JobStates, steps: StepStates
) -> None:
    assert [steps.begin_attempt(JOB, ASSEMBLE) for _ in range(3)] == [1, 2, 3]
    assert (states.job(JOB).status, states.job(JOB).step) == (JobStatus.RUNNING, ASSEMBLE)


def test_a_job_that_is_over_stays_as_it_is(
    states: JobStates, steps: StepStates, publications: Publications
) -> None:
    states.close(JOB, JobStatus.SUCCEEDED, result='{"credits": 1}')
    before = states.job(JOB)
    states.close(JOB, JobStatus.FAILED, error="late")
    states.request_cancel(JOB)
    states.decide_outcome(JOB, JobStatus.FAILED, "late")
    assert steps.begin_attempt(JOB, ASSEMBLE) == 1
    assert not states.claim_compensation(JOB, "a")
    assert states.job(JOB) == before
    assert publications.of_job(JOB) == []


def test_the_first_reason_to_fail_is_the_one_that_is_told(states: JobStates) -> None:
    states.decide_outcome(JOB, JobStatus.CANCELLED, "cancelled")
    states.decide_outcome(JOB, JobStatus.FAILED, "and then it broke")
    states.close_as_decided(JOB)
    assert (states.job(JOB).status, states.job(JOB).error) == (JobStatus.CANCELLED, "cancelled")


def test_one_of_several_errbacks_compensates_and_does_so_again_when_redelivered(
    states: JobStates,
) -> None:
    assert states.claim_compensation(JOB, "header")
    assert not states.claim_compensation(JOB, "body")
    assert states.claim_compensation(JOB, "header")


def test_a_cancel_that_comes_while_the_user_is_told_is_too_late(
    states: JobStates, steps: StepStates
) -> None:
    steps.begin_attempt(JOB, NOTIFY_USER)
    states.request_cancel(JOB)
    assert not states.job(JOB).cancel_requested


def test_a_retried_step_finds_the_newest_checkpoint(steps: StepStates) -> None:
    steps.begin_attempt(JOB, "generate_image/0")
    assert steps.checkpoint(JOB, "generate_image/0") is None
    steps.save_checkpoint(JOB, "generate_image/0", "5:aa")
    steps.save_checkpoint(JOB, "generate_image/0", "10:bb")
    assert steps.checkpoint(JOB, "generate_image/0") == "10:bb"


def test_only_a_job_that_ought_to_move_and_does_not_stands_still(
    states: JobStates, steps: StepStates
) -> None:
    soon = time.time() + 1
    assert states.unmoved_since(soon) == [JOB]
    assert states.unmoved_since(soon - 60) == []
    steps.begin_attempt(JOB, ASSEMBLE)
    assert states.unmoved_since(soon) == [JOB]
    states.close(JOB, JobStatus.SUCCEEDED)
    assert states.unmoved_since(soon) == []


def test_a_job_that_waits_stands_still_only_once_it_is_settled_how_it_ends(
    states: JobStates, database: Database
) -> None:
    with database.begin() as connection:
        change(connection, JOB, status=JobStatus.WAITING)
    assert states.unmoved_since(time.time() + 1) == []
    states.decide_outcome(JOB, JobStatus.CANCELLED, "cancelled")
    assert states.unmoved_since(time.time() + 1) == [JOB]
