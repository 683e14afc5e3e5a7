"""What Celery makes you keep: the state of jobs and steps, in SQL.

A result backend forgets, answers PENDING for a job that never was, and knows neither attempts nor
checkpoints nor a wish to cancel; Temporal's server has all of this. States only move forward, so
that a message that is delivered twice does no harm.
"""

import time
from dataclasses import dataclass

from sqlalchemy import (
    Boolean,
    Column,
    Connection,
    Engine,
    Float,
    Integer,
    String,
    Table,
    Text,
    select,
    update,
)

from shared.adapters.sql import insert_or_ignore, metadata
from shared.domain.errors import UnknownJob
from shared.domain.status import JobStatus

_jobs = Table(
    "celery_jobs",
    metadata,
    Column("job_id", String(36), primary_key=True),
    Column("request", Text, nullable=False),
    Column("status", String(10), nullable=False),
    Column("step", String(80), nullable=True),
    Column("result", Text, nullable=True),
    Column("error", Text, nullable=True),
    Column("cancel_requested", Boolean, nullable=False),
    # How the job will end once it is compensated, and the failed task that this is done for.
    Column("outcome", String(10), nullable=True),
    Column("compensated_for", String(120), nullable=True),
    Column("updated_at_s", Float(53), nullable=False),
)
_steps = Table(
    "celery_steps",
    metadata,
    Column("job_id", String(36), primary_key=True),
    Column("step", String(80), primary_key=True),
    Column("attempts", Integer, nullable=False),
    Column("checkpoint", Text, nullable=True),
    Column("result", Text, nullable=True),
)
_OPEN = _jobs.c.status.in_([status for status in JobStatus if not status.terminal])


@dataclass(frozen=True, slots=True)
class JobState:
    """One row of the job table."""

    request: str
    status: JobStatus
    step: str | None
    result: str | None
    error: str | None
    cancel_requested: bool
    outcome: JobStatus | None
    compensated_for: str | None
    updated_at_s: float


class JobStates:
    """Every change is one transaction. Nothing changes a job that is over."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def add(self, job_id: str, request: str) -> None:
        """Add a job; a repeat changes nothing."""
        row = {
            "job_id": job_id,
            "request": request,
            "status": JobStatus.ACCEPTED,
            "cancel_requested": False,
            "updated_at_s": time.time(),
        }
        with self._engine.begin() as connection:
            connection.execute(insert_or_ignore(self._engine, _jobs), row)

    def job(self, job_id: str) -> JobState:
        """Return a job; `UnknownJob` if Celery never got it."""
        with self._engine.connect().execution_options(read_only=True) as connection:
            row = connection.execute(select(_jobs).where(_jobs.c.job_id == job_id)).first()
        if row is None:
            raise UnknownJob(f"no job {job_id}; check the id that the submit call returned")
        values = {**row._mapping, "status": JobStatus(row.status)}
        values["outcome"] = JobStatus(row.outcome) if row.outcome else None
        del values["job_id"]
        return JobState(**values)

    def begin_attempt(self, job_id: str, step: str) -> int:
        """Count one more delivery of a step and return the attempt's number, from 1."""
        with self._engine.begin() as connection:
            row = {"job_id": job_id, "step": step, "attempts": 0}
            connection.execute(insert_or_ignore(self._engine, _steps), row)
            attempts: int = connection.execute(
                update(_steps)
                .where(_steps.c.job_id == job_id, _steps.c.step == step)
                .values(attempts=_steps.c.attempts + 1)
                .returning(_steps.c.attempts)
            ).scalar_one()
            _change(connection, job_id, status=JobStatus.RUNNING, step=step)
        return attempts

    def save_checkpoint(self, job_id: str, step: str, ref: str) -> None:
        """Remember the newest point to resume from."""
        self._change_step(job_id, step, checkpoint=ref)

    def checkpoint(self, job_id: str, step: str) -> str | None:
        """Return the newest checkpoint of a step."""
        query = select(_steps.c.checkpoint).where(_steps.c.job_id == job_id, _steps.c.step == step)
        with self._engine.connect().execution_options(read_only=True) as connection:
            ref: str | None = connection.execute(query).scalar_one_or_none()
        return ref

    def finish_step(self, job_id: str, step: str, result: str) -> None:
        """Store a step's result (JSON); messages carry none."""
        self._change_step(job_id, step, result=result)

    def results(self, job_id: str) -> dict[str, str]:
        """Return the results of the finished steps by step name."""
        query = select(_steps).where(_steps.c.job_id == job_id, _steps.c.result.is_not(None))
        with self._engine.connect().execution_options(read_only=True) as connection:
            return {row.step: row.result for row in connection.execute(query)}

    def request_cancel(self, job_id: str) -> None:
        """Ask for a stop at the next step boundary."""
        self._change_job(job_id, cancel_requested=True)

    def decide_outcome(self, job_id: str, outcome: JobStatus, error: str) -> None:
        """Say how the job will end once it is compensated; the first to say so wins."""
        with self._engine.begin() as connection:
            undecided = _jobs.c.outcome.is_(None)
            _change(connection, job_id, undecided, outcome=outcome, error=error)

    def claim_compensation(self, job_id: str, failed_task: str) -> bool:
        """Whether the compensation for `failed_task` is the one to run.

        One failure calls several errbacks (the header task's and the chord's own), and one cancel
        fails several tasks. The first wins, and wins again when its message is redelivered.
        """
        with self._engine.begin() as connection:
            unclaimed = _jobs.c.compensated_for.is_(None)
            _change(connection, job_id, unclaimed, compensated_for=failed_task)
            winner = connection.execute(
                select(_jobs.c.compensated_for).where(_jobs.c.job_id == job_id, _OPEN)
            ).scalar_one_or_none()
        return winner == failed_task

    def close(
        self, job_id: str, status: JobStatus, *, result: str | None = None, error: str | None = None
    ) -> None:
        """End the job, once."""
        self._change_job(job_id, status=status, result=result, error=error)

    def close_as_decided(self, job_id: str) -> None:
        """End the job as was decided when it failed."""
        self._change_job(job_id, status=_jobs.c.outcome)

    def _change_job(self, job_id: str, **values: object) -> None:
        with self._engine.begin() as connection:
            _change(connection, job_id, **values)

    def _change_step(self, job_id: str, step: str, **values: object) -> None:
        with self._engine.begin() as connection:
            connection.execute(
                update(_steps)
                .where(_steps.c.job_id == job_id, _steps.c.step == step)
                .values(**values)
            )


def _change(connection: Connection, job_id: str, *conditions: object, **values: object) -> None:
    changed = update(_jobs).where(_jobs.c.job_id == job_id, _OPEN, *conditions)  # type: ignore[arg-type]
    connection.execute(changed.values(**values, updated_at_s=time.time()))
