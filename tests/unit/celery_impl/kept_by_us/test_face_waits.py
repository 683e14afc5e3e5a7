"""What ends a session's wait, and what comes too late."""

import time

import pytest
from sqlalchemy import Engine as Database

from celery_impl.kept_by_us.face_waits import FaceWaits, Verdict
from celery_impl.kept_by_us.publication import Publications
from celery_impl.kept_by_us.state import JobStates, change
from celery_impl.kept_by_us.step_state import StepStates
from shared.domain.errors import BadRequest, JobOver, UnknownJob
from shared.domain.faces import FACE_SIMILARITY, IMAGE, VIDEO
from shared.domain.jobs import IMAGE_GENERATION
from shared.domain.status import JobStatus
from shared.policy import (
    CLOSE_SESSION,
    COMPARE_FACES,
    OPEN_SESSION,
    RESERVE_CREDITS,
    SAVE_RESULT,
)

JOB = "00000000-0000-0000-0000-000000000001"
APPROVED = Verdict(True, "grace")


class Session:
    """One session, and what its state says."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.states = JobStates(database)
        self.steps = StepStates(database)
        self.sessions = FaceWaits(database)
        self._publications = Publications(database)

    def accepted(self, deadline_in_s: float = 60) -> "Session":
        deadline_s = time.time() + deadline_in_s
        self.states.add(JOB, FACE_SIMILARITY, "{}", first_step=OPEN_SESSION, deadline_s=deadline_s)
        return self

    def waiting(self, deadline_in_s: float = 60) -> "Session":
        self.accepted(deadline_in_s).steps.begin_attempt(JOB, OPEN_SESSION)
        self.sessions.opened(JOB)
        return self

    def running(self) -> "Session":
        self.waiting()
        for slot in (IMAGE, VIDEO):
            self.provide(slot)
        self.steps.begin_attempt(JOB, COMPARE_FACES)
        return self

    def in_review(self, deadline_in_s: float = 60) -> "Session":
        self.running().sessions.compared(JOB, review_until_s=time.time() + deadline_in_s)
        return self

    def provide(self, slot: str) -> None:
        self.sessions.provide(JOB, slot, f"sha256 of {slot}")

    def pass_deadline(self) -> None:
        with self._database.begin() as connection:
            change(connection, JOB, deadline_s=time.time())

    @property
    def status(self) -> JobStatus:
        return self.states.job(JOB).status

    @property
    def outcome(self) -> JobStatus | None:
        return self.states.job(JOB).outcome

    @property
    def announced(self) -> list[str]:
        return [each.step for each in self._publications.of_job(JOB)]


@pytest.fixture
def session(database: Database) -> Session:
    return Session(database)


def test_the_last_file_ends_the_wait(session: Session) -> None:
    session.waiting().provide(VIDEO)
    assert (session.status, session.announced) == (JobStatus.WAITING, [])
    session.provide(IMAGE)
    assert (session.status, session.announced) == (JobStatus.RUNNING, [COMPARE_FACES])


def test_files_may_come_before_the_session_is_open(session: Session) -> None:
    session.accepted().provide(IMAGE)
    session.provide(VIDEO)
    assert (session.status, session.announced) == (JobStatus.ACCEPTED, [OPEN_SESSION])
    session.steps.begin_attempt(JOB, OPEN_SESSION)
    assert session.status is JobStatus.ACCEPTED
    session.sessions.opened(JOB)
    assert (session.status, session.announced) == (JobStatus.RUNNING, [COMPARE_FACES])


def test_the_first_file_for_a_slot_counts_and_a_repeat_changes_nothing(session: Session) -> None:
    session.waiting().provide(IMAGE)
    session.sessions.provide(JOB, IMAGE, "another file")
    assert session.sessions.files(JOB) == {IMAGE: "sha256 of image"}
    session.provide(VIDEO)
    session.steps.begin_attempt(JOB, COMPARE_FACES)
    session.provide(VIDEO)
    assert session.announced == []


@pytest.mark.parametrize("end", [JobStatus.SUCCEEDED, JobStatus.TIMED_OUT])
def test_a_session_that_is_over_takes_no_file(session: Session, end: JobStatus) -> None:
    session.running().states.close(JOB, end)
    with pytest.raises(JobOver):
        session.provide(IMAGE)


def test_a_file_after_the_deadline_is_late_even_if_nobody_has_acted_on_it(
    session: Session,
) -> None:
    session.waiting(deadline_in_s=-1)
    with pytest.raises(JobOver, match="deadline"):
        session.provide(IMAGE)
    assert session.status is JobStatus.WAITING


def test_the_deadline_ends_the_wait_once(session: Session) -> None:
    session.waiting(deadline_in_s=-1)
    assert session.sessions.expire() == [JOB]
    assert (session.outcome, session.announced) == (JobStatus.TIMED_OUT, [CLOSE_SESSION])
    assert session.sessions.expire() == []
    with pytest.raises(JobOver):
        session.provide(IMAGE)


def test_a_session_whose_files_came_in_time_does_not_expire_while_it_is_not_open(
    session: Session,
) -> None:
    session.accepted().provide(IMAGE)
    session.provide(VIDEO)
    session.pass_deadline()
    assert session.sessions.expire() == []
    session.sessions.opened(JOB)
    assert session.announced == [COMPARE_FACES, OPEN_SESSION]


def test_a_clear_answer_is_saved(session: Session) -> None:
    session.running().sessions.compared(JOB, review_until_s=None)
    assert (session.status, session.announced) == (JobStatus.RUNNING, [SAVE_RESULT])


def test_a_borderline_answer_waits_for_a_person_and_publishes_nothing(session: Session) -> None:
    session.in_review()
    assert (session.status, session.announced) == (JobStatus.REVIEW, [])
    session.steps.begin_attempt(JOB, COMPARE_FACES)  # delivered again
    assert session.status is JobStatus.REVIEW


def test_the_first_verdict_stands(session: Session) -> None:
    session.in_review().sessions.review(JOB, APPROVED)
    assert (session.status, session.announced) == (JobStatus.RUNNING, [SAVE_RESULT])
    session.sessions.review(JOB, APPROVED)
    for other in (Verdict(False, "grace"), Verdict(True, "ada")):
        with pytest.raises(JobOver):
            session.sessions.review(JOB, other)
    assert session.sessions.verdict(JOB) == APPROVED
    session.sessions.compared(JOB, review_until_s=time.time() + 60)  # delivered again
    assert session.status is JobStatus.RUNNING


def test_a_verdict_after_the_deadline_is_late(session: Session) -> None:
    session.in_review(deadline_in_s=-1)
    with pytest.raises(JobOver, match="deadline"):
        session.sessions.review(JOB, APPROVED)
    assert session.sessions.expire() == [JOB]
    assert (session.outcome, session.announced) == (JobStatus.TIMED_OUT, [CLOSE_SESSION])


def test_a_session_that_is_not_in_review_takes_no_verdict(session: Session) -> None:
    with pytest.raises(JobOver):
        session.running().sessions.review(JOB, APPROVED)


@pytest.mark.parametrize("begin", [Session.waiting, Session.in_review])
def test_a_cancel_ends_a_wait(session: Session, begin: object) -> None:
    begin(session)  # type: ignore[operator]  # a method of the session
    session.states.request_cancel(JOB)
    session.sessions.end_wait(JOB)
    assert (session.outcome, session.announced) == (JobStatus.CANCELLED, [CLOSE_SESSION])


def test_a_cancel_that_comes_before_a_wait_leaves_nobody_waiting(session: Session) -> None:
    session.accepted().states.request_cancel(JOB)
    session.sessions.end_wait(JOB)
    assert session.announced == [OPEN_SESSION]
    session.sessions.opened(JOB)
    assert session.outcome is JobStatus.CANCELLED


def test_only_sessions_take_files_and_only_the_two(session: Session) -> None:
    session.waiting()
    with pytest.raises(BadRequest):
        session.provide("passport")
    image_job = "00000000-0000-0000-0000-000000000002"
    session.states.add(image_job, IMAGE_GENERATION, "{}", first_step=RESERVE_CREDITS)
    with pytest.raises(BadRequest):
        session.sessions.provide(image_job, IMAGE, "aa")
    with pytest.raises(UnknownJob):
        session.sessions.provide("00000000-0000-0000-0000-000000000003", IMAGE, "aa")
