"""What a face session waits for, in SQL: two files, then perhaps a person, each with a deadline.

A broker holds no job that waits for something other than a worker. Here a wait is a status and a
deadline in the job's row; whatever ends it changes the row under its lock and announces the next
step in the same transaction. So a file, a verdict, a cancel and a deadline that come at once are
settled one way, and the next step is published exactly once.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Boolean, Column, Connection, String, Table, select
from sqlalchemy import Engine as Database

from celery_impl.kept_by_us.publication import announce
from celery_impl.kept_by_us.state import change, jobs, locked
from shared.adapters.sql import metadata, transaction
from shared.domain.errors import BadRequest, JobCancelled, JobOver
from shared.domain.faces import FACE_SIMILARITY, SLOTS
from shared.domain.status import JobStatus
from shared.policy import CLOSE_SESSION, COMPARE_FACES, SAVE_RESULT

_inputs = Table(
    "celery_inputs",
    metadata,
    Column("job_id", String(36), primary_key=True),
    Column("slot", String(20), primary_key=True),
    Column("sha256", String(64), nullable=False),
)
_verdicts = Table(
    "celery_verdicts",
    metadata,
    Column("job_id", String(36), primary_key=True),
    Column("approved", Boolean, nullable=False),
    Column("reviewer", String(200), nullable=False),
)
_WAITS = (JobStatus.WAITING, JobStatus.REVIEW)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a person decided."""

    approved: bool
    reviewer: str


class FaceWaits:
    """Every change is one transaction that locks the job's row."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def opened(self, job_id: str) -> None:
        """Let an accepted session wait, or go on if its files were faster."""
        with transaction(self._database) as connection:
            job = locked(connection, job_id)
            if job.status is not JobStatus.ACCEPTED or job.ending:
                return
            if job.cancel_requested:
                _end(connection, job_id, JobStatus.CANCELLED)
            elif _files(connection, job_id).keys() == SLOTS:
                _go_on(connection, job_id, COMPARE_FACES)
            else:
                change(connection, job_id, status=JobStatus.WAITING, step=None)

    def provide(self, job_id: str, slot: str, sha256: str) -> None:
        """Take a file; the one that makes the set complete has the comparison published.

        The first file for a slot counts. `BadRequest` for a slot that sessions do not have,
        `JobOver` if the session takes no more.
        """
        with transaction(self._database) as connection:
            job = locked(connection, job_id)
            if job.workload != FACE_SIMILARITY:
                raise BadRequest(f"job {job_id} is no face session")
            if slot not in SLOTS:
                raise BadRequest(f"a face session has no slot {slot!r}, only image and video")
            if job.ending or job.cancel_requested:
                raise JobOver(f"job {job_id} takes no more files; look at its status")
            files = _files(connection, job_id)
            if slot in files:
                return
            # Also before anybody has acted on it: a late file is late even if all is down.
            if job.overdue(time.time()):
                raise JobOver(f"the deadline of job {job_id} for files has passed")
            # Whoever counts the files has the lock: two transactions that each add one and see
            # only their own would both wait for the other.
            connection.execute(_inputs.insert(), {"job_id": job_id, "slot": slot, "sha256": sha256})
            if job.status is JobStatus.WAITING and files.keys() | {slot} == SLOTS:
                _go_on(connection, job_id, COMPARE_FACES)

    def compared(self, job_id: str, *, review_until_s: float | None) -> None:
        """Go on after the comparison; with `review_until_s`, wait for a person until then."""
        with transaction(self._database) as connection:
            job = locked(connection, job_id)
            if job.status is not JobStatus.RUNNING or job.ending:
                return
            if job.cancel_requested:
                _end(connection, job_id, JobStatus.CANCELLED)
            elif review_until_s is None:
                _go_on(connection, job_id, SAVE_RESULT)
            elif _verdict(connection, job_id) is None:
                wait = {"status": JobStatus.REVIEW, "deadline_s": review_until_s, "step": None}
                change(connection, job_id, **wait)

    def review(self, job_id: str, verdict: Verdict) -> None:
        """Take the verdict of a person; `JobOver` if the session does not wait for one."""
        with transaction(self._database) as connection:
            job = locked(connection, job_id)
            if _verdict(connection, job_id) == verdict:
                return
            if job.status is not JobStatus.REVIEW or job.ending:
                raise JobOver(f"job {job_id} is not in review (any more); look at its status")
            if job.overdue(time.time()):
                raise JobOver(f"the deadline of job {job_id} for a review has passed")
            row = {"approved": verdict.approved, "reviewer": verdict.reviewer}
            connection.execute(_verdicts.insert(), {"job_id": job_id, **row})
            _go_on(connection, job_id, SAVE_RESULT)

    def end_wait(self, job_id: str) -> None:
        """End a session that is to be cancelled and that waits; a step stops by itself."""
        with transaction(self._database) as connection:
            job = locked(connection, job_id)
            if job.status in _WAITS and not job.ending:
                _end(connection, job_id, JobStatus.CANCELLED)

    def expire(self) -> list[str]:
        """End the sessions whose deadline has passed while they waited, and return them."""
        now = time.time()
        overdue = select(jobs.c.job_id).where(
            jobs.c.status.in_(_WAITS), jobs.c.outcome.is_(None), jobs.c.deadline_s <= now
        )
        with self._database.connect().execution_options(read_only=True) as connection:
            candidates = connection.execute(overdue).scalars().all()
        return [job_id for job_id in candidates if self._expire(job_id, now)]

    def files(self, job_id: str) -> Mapping[str, str]:
        """Return the SHA-256 of the files that have arrived, by slot."""
        with self._database.connect().execution_options(read_only=True) as connection:
            return _files(connection, job_id)

    def verdict(self, job_id: str) -> Verdict | None:
        """Return the verdict that stands, None without one."""
        with self._database.connect().execution_options(read_only=True) as connection:
            return _verdict(connection, job_id)

    def _expire(self, job_id: str, now_s: float) -> bool:
        with transaction(self._database) as connection:
            job = locked(connection, job_id)
            late = job.status in _WAITS and not job.ending and job.overdue(now_s)
            if late:
                _end(connection, job_id, JobStatus.TIMED_OUT)
            return late


def missing(files: Mapping[str, str]) -> list[str]:
    """Return the slots that no file fills yet."""
    return sorted(SLOTS - files.keys())


def _go_on(connection: Connection, job_id: str, step: str) -> None:
    change(connection, job_id, status=JobStatus.RUNNING, step=step, deadline_s=None)
    announce(connection, job_id, step)


def _end(connection: Connection, job_id: str, outcome: JobStatus) -> None:
    error = str(JobCancelled()) if outcome is JobStatus.CANCELLED else None
    change(connection, job_id, outcome=outcome, error=error, deadline_s=None)
    announce(connection, job_id, CLOSE_SESSION)


def _files(connection: Connection, job_id: str) -> dict[str, str]:
    query = select(_inputs).where(_inputs.c.job_id == job_id)
    return {row.slot: row.sha256 for row in connection.execute(query)}


def _verdict(connection: Connection, job_id: str) -> Verdict | None:
    row = connection.execute(select(_verdicts).where(_verdicts.c.job_id == job_id)).first()
    return Verdict(row.approved, row.reviewer) if row else None
