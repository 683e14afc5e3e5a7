"""The state of jobs only moves forward, whatever is delivered twice."""

from pathlib import Path

import pytest

from celery_impl.publication import Publications, Turn
from celery_impl.state import JobStates
from shared.adapters.sql import connect, create_tables
from shared.domain.errors import UnknownJob
from shared.domain.status import JobStatus

JOB = "00000000-0000-0000-0000-000000000001"


@pytest.fixture
def states(tmp_path: Path) -> JobStates:
    database = connect(f"sqlite:///{tmp_path / 'state.db'}")
    create_tables(database)
    states = JobStates(database)
    states.add(JOB, "{}")
    return states


@pytest.fixture
def publications(tmp_path: Path) -> Publications:
    database = connect(f"sqlite:///{tmp_path / 'publications.db'}")
    create_tables(database)
    return Publications(database)


def test_a_job_that_was_never_added_is_unknown(states: JobStates) -> None:
    with pytest.raises(UnknownJob):
        states.job("00000000-0000-0000-0000-000000000002")


def test_every_delivery_counts_as_an_attempt_and_the_job_runs(states: JobStates) -> None:
    assert [states.begin_attempt(JOB, "assemble") for _ in range(3)] == [1, 2, 3]
    assert (states.job(JOB).status, states.job(JOB).step) == (JobStatus.RUNNING, "assemble")


def test_a_job_that_is_over_stays_as_it_is(states: JobStates) -> None:
    states.close(JOB, JobStatus.SUCCEEDED, result='{"credits": 1}')
    before = states.job(JOB)
    states.close(JOB, JobStatus.FAILED, error="late")
    states.request_cancel(JOB)
    states.decide_outcome(JOB, JobStatus.FAILED, "late")
    assert states.begin_attempt(JOB, "assemble") == 1
    assert not states.claim_compensation(JOB, "a")
    assert states.job(JOB) == before


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


def test_a_retried_step_finds_the_newest_checkpoint(states: JobStates) -> None:
    states.begin_attempt(JOB, "generate_image/0")
    assert states.checkpoint(JOB, "generate_image/0") is None
    states.save_checkpoint(JOB, "generate_image/0", "5:aa")
    states.save_checkpoint(JOB, "generate_image/0", "10:bb")
    assert states.checkpoint(JOB, "generate_image/0") == "10:bb"


def test_one_of_several_submissions_publishes(publications: Publications) -> None:
    assert publications.claim(JOB, 60) is Turn.YOURS
    assert publications.claim(JOB, 60) is Turn.ANOTHERS
    publications.redeem(JOB)
    assert publications.claim(JOB, 60) is Turn.OVER


def test_a_publisher_that_died_or_failed_is_replaced(publications: Publications) -> None:
    assert publications.claim(JOB, -1) is Turn.YOURS
    assert publications.claim(JOB, 60) is Turn.YOURS
    publications.abandon(JOB)
    assert publications.claim(JOB, 60) is Turn.YOURS
