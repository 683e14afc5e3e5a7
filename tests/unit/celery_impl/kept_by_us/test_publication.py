"""What was announced is published, by one at a time, until a worker has it."""

import time

import pytest

from celery_impl.kept_by_us.publication import Publications
from celery_impl.kept_by_us.state import JobStates
from celery_impl.kept_by_us.step_state import StepStates
from shared.domain.faces import FACE_SIMILARITY
from shared.policy import OPEN_SESSION

JOB = "00000000-0000-0000-0000-000000000001"


@pytest.fixture(autouse=True)
def job(states: JobStates) -> None:
    states.add(JOB, FACE_SIMILARITY, "{}", first_step=OPEN_SESSION)


def test_one_of_several_publishers_has_its_turn(publications: Publications) -> None:
    assert publications.claim(JOB, OPEN_SESSION, 60)
    assert not publications.claim(JOB, OPEN_SESSION, 60)
    assert publications.left_behind() == set()
    publications.redeem(JOB, OPEN_SESSION)
    assert publications.due(JOB) == []
    assert not publications.claim(JOB, OPEN_SESSION, 60)


def test_a_publisher_that_died_or_failed_is_replaced(publications: Publications) -> None:
    assert publications.claim(JOB, OPEN_SESSION, -1)
    assert publications.left_behind() == {JOB}
    assert publications.claim(JOB, OPEN_SESSION, 60)
    publications.abandon(JOB, OPEN_SESSION)
    assert publications.left_behind() == {JOB}
    assert publications.claim(JOB, OPEN_SESSION, 60)


def test_a_message_that_nobody_has_begun_is_published_again_once(
    publications: Publications,
) -> None:
    publications.claim(JOB, OPEN_SESSION, 60)
    publications.redeem(JOB, OPEN_SESSION)
    assert publications.unseen_since(time.time() - 60) == []
    (unseen,) = publications.unseen_since(time.time() + 1)
    publications.retract(unseen)
    assert publications.due(JOB) == [OPEN_SESSION]
    publications.claim(JOB, OPEN_SESSION, 60)
    publications.redeem(JOB, OPEN_SESSION)
    publications.retract(unseen)
    assert publications.due(JOB) == []


def test_a_step_that_began_is_never_missed(publications: Publications, steps: StepStates) -> None:
    publications.claim(JOB, OPEN_SESSION, 60)
    steps.begin_attempt(JOB, OPEN_SESSION)
    publications.redeem(JOB, OPEN_SESSION)
    assert publications.of_job(JOB) == []
