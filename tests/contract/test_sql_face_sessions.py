"""What ends the waits of Celery's face sessions at the same moment is settled one way."""

import time

import pytest
from sqlalchemy import Engine as Database

from celery_impl.kept_by_us.face_waits import FaceWaits, Verdict
from celery_impl.kept_by_us.publication import Publications
from celery_impl.kept_by_us.state import JobStates, change
from shared.domain.errors import JobOver
from shared.domain.faces import FACE_SIMILARITY, IMAGE, VIDEO
from shared.domain.status import JobStatus
from shared.policy import CLOSE_SESSION, COMPARE_FACES, OPEN_SESSION, SAVE_RESULT
from tests.contract.racing import in_threads

RACES = 20


@pytest.fixture
def waiting(database: Database) -> list[str]:
    """Sessions that wait for their files."""
    job_ids = [f"job-{race}" for race in range(RACES)]
    for job_id in job_ids:
        _open(database, job_id, deadline_s=time.time() + 60)
    return job_ids


def _open(database: Database, job_id: str, deadline_s: float) -> None:
    JobStates(database).add(
        job_id, FACE_SIMILARITY, "{}", first_step=OPEN_SESSION, deadline_s=deadline_s
    )
    FaceWaits(database).opened(job_id)


def _announced(database: Database, job_id: str) -> set[str]:
    return {each.step for each in Publications(database).of_job(job_id)} - {OPEN_SESSION}


def test_two_files_at_once_ask_for_the_comparison(database: Database, waiting: list[str]) -> None:
    sessions = FaceWaits(database)
    for job_id in waiting:
        in_threads(
            4, lambda n, job=job_id: sessions.provide(job, (IMAGE, VIDEO)[n % 2], f"sha256 {n % 2}")
        )
        assert JobStates(database).job(job_id).status is JobStatus.RUNNING
        assert _announced(database, job_id) == {COMPARE_FACES}


def test_the_last_file_and_the_opening_at_once_ask_for_the_comparison(database: Database) -> None:
    states, sessions = JobStates(database), FaceWaits(database)
    for race in range(RACES):
        job_id = f"job-{race}"
        states.add(
            job_id, FACE_SIMILARITY, "{}", first_step=OPEN_SESSION, deadline_s=time.time() + 60
        )
        sessions.provide(job_id, IMAGE, "sha256")
        calls = (lambda job: sessions.provide(job, VIDEO, "sha256"), sessions.opened)
        in_threads(2, lambda n, job=job_id, calls=calls: calls[n](job))
        assert states.job(job_id).status is JobStatus.RUNNING
        assert _announced(database, job_id) == {COMPARE_FACES}


def test_the_last_file_and_the_deadline_end_the_wait_one_way(database: Database) -> None:
    states, sessions = JobStates(database), FaceWaits(database)
    for race in range(RACES):
        job_id = f"job-{race}"
        _open(database, job_id, deadline_s=time.time() + 60)
        sessions.provide(job_id, IMAGE, "sha256")
        deadline_s = time.time() + 0.02
        with database.begin() as connection:
            change(connection, job_id, deadline_s=deadline_s)

        def came(n: int, job_id: str = job_id, deadline_s: float = deadline_s) -> bool:
            while time.time() < deadline_s - 0.002:
                time.sleep(0.001)
            if n:
                while time.time() < deadline_s:
                    time.sleep(0)
                return bool(sessions.expire())
            try:
                sessions.provide(job_id, VIDEO, "sha256")
            except JobOver:
                return False
            return True

        provided, expired = in_threads(2, came)
        assert provided is not expired
        assert _announced(database, job_id) == {COMPARE_FACES if provided else CLOSE_SESSION}
        assert (states.job(job_id).outcome is JobStatus.TIMED_OUT) is expired


def test_of_racing_verdicts_and_a_cancel_one_counts(database: Database, waiting: list[str]) -> None:
    states, sessions = JobStates(database), FaceWaits(database)

    def end(n: int, job_id: str) -> bool:
        if n == 3:
            states.request_cancel(job_id)
            sessions.end_wait(job_id)
            return states.job(job_id).outcome is JobStatus.CANCELLED
        try:
            sessions.review(job_id, Verdict(bool(n % 2), f"reviewer {n}"))
        except JobOver:
            return False
        return True

    for job_id in waiting:
        for slot in (IMAGE, VIDEO):
            sessions.provide(job_id, slot, "sha256")
        sessions.compared(job_id, review_until_s=time.time() + 60)
        ends = in_threads(4, lambda n, job=job_id: end(n, job))
        assert ends.count(True) == 1
        expected = {COMPARE_FACES, CLOSE_SESSION if ends[3] else SAVE_RESULT}
        assert _announced(database, job_id) == expected


def test_of_racing_publishers_one_publishes(database: Database, waiting: list[str]) -> None:
    publications = Publications(database)
    for job_id in waiting:
        claims = in_threads(
            4, lambda n, job=job_id: publications.claim(job, OPEN_SESSION, claim_s=60)
        )
        assert claims.count(True) == 1
