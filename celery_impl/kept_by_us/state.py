"""What Celery makes you keep: the state of jobs, in SQL.

A result backend forgets, answers PENDING for a job that never was, and knows neither a wish to
cancel nor a deadline; Temporal's server has all of this. States only move forward, so that a
message that is delivered twice does no harm.
"""

import time
from dataclasses import asdict

from sqlalchemy import (
    Boolean,
    Column,
    Connection,
    Float,
    Row,
    String,
    Table,
    Text,
    select,
    update,
)
from sqlalchemy import Engine as Database

from celery_impl.kept_by_us.publication import announce, forget, received
from celery_impl.workload import JobState
from shared.adapters.sql import insert_if_absent, metadata, transaction
from shared.domain.errors import UnknownJob
from shared.domain.status import JobStatus
from shared.policy import OPEN_SESSION, POLICIES

jobs = Table(
    "celery_jobs",
    metadata,
    Column("job_id", String(36), primary_key=True),
    Column("workload", String(40), nullable=False),
    Column("request", Text, nullable=False),
    Column("status", String(10), nullable=False, index=True),
    Column("step", String(80), nullable=True),
    Column("result", Text, nullable=True),
    Column("error", Text, nullable=True),
    Column("cancel_requested", Boolean, nullable=False),
    # How the job will end once it is compensated, and the failed task that this is done for.
    Column("outcome", String(10), nullable=True),
    Column("compensated_for", String(120), nullable=True),
    # Unix seconds: until when the job may wait for what it waits for. A row, because a message
    # with an ETA past the visibility timeout is handed out again and again (celery#5935).
    Column("deadline_s", Float(53), nullable=True, index=True),
    Column("updated_at_s", Float(53), nullable=False),
)
_SEEN_THROUGH = [step for step, policy in POLICIES.items() if policy.seen_through]
_OPEN = jobs.c.status.in_([status for status in JobStatus if not status.terminal])


class JobStates:
    """Every change is one transaction. Nothing changes a job that is over."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(
        self,
        job_id: str,
        workload: str,
        request: str,
        *,
        first_step: str,
        deadline_s: float | None = None,
        claim_s: float = 0.0,
    ) -> JobState | None:
        """Add a job and announce its first step; a repeat changes nothing and returns None.

        With `claim_s` the caller has that long to publish it.
        """
        added = JobState(workload, request, JobStatus.ACCEPTED, time.time(), deadline_s)
        row = {"job_id": job_id, **asdict(added)}
        with transaction(self._database) as connection:
            if not insert_if_absent(connection, jobs, row):
                return None
            announce(connection, job_id, first_step, claim_s)
        return added

    def job(self, job_id: str) -> JobState:
        """Return a job; `UnknownJob` if Celery never got it."""
        with self._database.connect().execution_options(read_only=True) as connection:
            return _state(
                connection.execute(select(jobs).where(jobs.c.job_id == job_id)).first(), job_id
            )

    def unmoved_since(self, before_s: float) -> list[str]:
        """Return the jobs in which no step has begun since this Unix time although one has to.

        A session that waits for a file or for a person is none of them.
        """
        on_its_way = jobs.c.status.in_([JobStatus.ACCEPTED, JobStatus.RUNNING])
        settled = jobs.c.outcome.is_not(None)
        query = select(jobs.c.job_id).where(
            _OPEN, on_its_way | settled, jobs.c.updated_at_s < before_s
        )
        with self._database.connect().execution_options(read_only=True) as connection:
            return list(connection.execute(query).scalars())

    def begun(self, job_id: str, step: str) -> None:
        """Note that a worker has a step."""
        with transaction(self._database) as connection:
            begun(connection, job_id, step)

    def request_cancel(self, job_id: str) -> None:
        """Ask for a stop at the next step boundary, unless the step is seen through."""
        with transaction(self._database) as connection:
            stoppable = jobs.c.step.is_(None) | jobs.c.step.not_in(_SEEN_THROUGH)
            change(connection, job_id, stoppable, cancel_requested=True)

    def decide_outcome(self, job_id: str, outcome: JobStatus, error: str | None = None) -> None:
        """Say how the job will end once it is compensated; the first to say so wins."""
        with transaction(self._database) as connection:
            change(connection, job_id, jobs.c.outcome.is_(None), outcome=outcome, error=error)

    def claim_compensation(self, job_id: str, failed_task: str) -> bool:
        """Whether the compensation for `failed_task` is the one to run.

        One failure calls several errbacks (the header task's and the chord's own), and one cancel
        fails several tasks. The first wins, and wins again when its message is redelivered.
        """
        with transaction(self._database) as connection:
            unclaimed = jobs.c.compensated_for.is_(None)
            change(connection, job_id, unclaimed, compensated_for=failed_task)
            winner = connection.execute(
                select(jobs.c.compensated_for).where(jobs.c.job_id == job_id, _OPEN)
            ).scalar_one_or_none()
        return winner == failed_task

    def close(
        self, job_id: str, status: JobStatus, *, result: str | None = None, error: str | None = None
    ) -> None:
        """End the job, once."""
        self._close(job_id, status=status, result=result, error=error)

    def close_as_decided(self, job_id: str, result: str | None = None) -> None:
        """End the job as was decided before."""
        self._close(job_id, status=jobs.c.outcome, result=result)

    def _close(self, job_id: str, **values: object) -> None:
        with transaction(self._database) as connection:
            change(connection, job_id, **values, deadline_s=None)
            forget(connection, job_id)


def locked(connection: Connection, job_id: str) -> JobState:
    """Return a job that no other transaction changes until this one ends; `UnknownJob`."""
    query = select(jobs).where(jobs.c.job_id == job_id).with_for_update()
    return _state(connection.execute(query).first(), job_id)


def begun(connection: Connection, job_id: str, step: str) -> None:
    """Note, in the caller's transaction, that a worker has a step."""
    received(connection, job_id, step)
    # A late repeat of a step does not take a job out of its wait.
    on_its_way = jobs.c.status.in_([JobStatus.ACCEPTED, JobStatus.RUNNING])
    # A session that is being opened is not running: it is about to wait.
    status = {} if step == OPEN_SESSION else {"status": JobStatus.RUNNING}
    change(connection, job_id, on_its_way, step=step, **status)


def change(connection: Connection, job_id: str, *conditions: object, **values: object) -> None:
    """Change an open job that meets the conditions."""
    changed = update(jobs).where(jobs.c.job_id == job_id, _OPEN, *conditions)  # type: ignore[arg-type]
    connection.execute(changed.values(**values, updated_at_s=time.time()))


def _state(row: Row[*tuple[object, ...]] | None, job_id: str) -> JobState:
    if row is None:
        raise UnknownJob(f"no job {job_id}; check the id that the submit call returned")
    values = {**row._mapping, "status": JobStatus(row.status)}
    values["outcome"] = JobStatus(row.outcome) if row.outcome else None
    del values["job_id"]
    return JobState(**values)
