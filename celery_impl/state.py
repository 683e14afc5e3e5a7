"""What Celery makes you keep: the state of jobs and steps, in SQL.

A result backend forgets, answers PENDING for a job that never was, and knows neither attempts nor
checkpoints nor a wish to cancel; Temporal's server has all of this. States only move forward, so
that a message that is delivered twice does no harm.
"""

import time
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import (
    Boolean,
    Column,
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
    Column("workload", String(40), nullable=False),
    Column("request", Text, nullable=False),
    Column("published", Boolean, nullable=False),
    Column("publisher_until_s", Float(53), nullable=False),
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


class Publication(StrEnum):
    """Who publishes a job's flow: of several concurrent submissions, one."""

    YOURS = "yours"
    UNDER_WAY = "under way"
    DONE = "done"


@dataclass(frozen=True, slots=True)
class JobState:
    """One row of the job table."""

    workload: str
    request: str
    published: bool
    status: JobStatus
    step: str | None
    result: str | None
    error: str | None
    cancel_requested: bool
    outcome: JobStatus | None
    compensated: bool
    updated_at_s: float


class JobStates:
    """Every change is one transaction. Nothing changes a job that is over."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def claim_publication(
        self, job_id: str, workload: str, request: str, claim_s: float
    ) -> Publication:
        """Add the job if it is new, and say whether the caller is to publish its flow.

        A claim that is not redeemed within `claim_s` seconds, because publishing failed or its
        process died, passes to the next caller.
        """
        now = time.time()
        row = {
            "job_id": job_id,
            "workload": workload,
            "request": request,
            "published": False,
            "publisher_until_s": 0.0,
            "status": JobStatus.ACCEPTED,
            "cancel_requested": False,
            "updated_at_s": now,
        }
        with self._engine.begin() as connection:
            connection.execute(insert_or_ignore(self._engine, _jobs), row)
            claimed = connection.execute(
                update(_jobs)
                .where(
                    _jobs.c.job_id == job_id,
                    _jobs.c.published.is_(False),
                    _jobs.c.publisher_until_s < now,
                )
                .values(publisher_until_s=now + claim_s)
            ).rowcount
            published = connection.execute(
                select(_jobs.c.published).where(_jobs.c.job_id == job_id)
            ).scalar_one()
        if claimed:
            return Publication.YOURS
        return Publication.DONE if published else Publication.UNDER_WAY

    def mark_published(self, job_id: str) -> None:
        """Record that the broker has the first message of the flow."""
        with self._engine.begin() as connection:
            connection.execute(update(_jobs).where(_jobs.c.job_id == job_id).values(published=True))

    def job(self, job_id: str) -> JobState:
        """Return a job; `UnknownJob` if Celery never got it."""
        with self._engine.connect().execution_options(read_only=True) as connection:
            row = connection.execute(select(_jobs).where(_jobs.c.job_id == job_id)).first()
        if row is None:
            raise UnknownJob(f"no job {job_id}; check the id that the submit call returned")
        return JobState(
            workload=row.workload,
            request=row.request,
            published=row.published,
            status=JobStatus(row.status),
            step=row.step,
            result=row.result,
            error=row.error,
            cancel_requested=row.cancel_requested,
            outcome=JobStatus(row.outcome) if row.outcome else None,
            compensated=row.compensated_for is not None,
            updated_at_s=row.updated_at_s,
        )

    def begin_attempt(self, job_id: str, step: str) -> int:
        """Count one more delivery of a step and return the attempt's number, from 1."""
        with self._engine.begin() as connection:
            connection.execute(
                insert_or_ignore(self._engine, _steps),
                {"job_id": job_id, "step": step, "attempts": 0},
            )
            attempts: int = connection.execute(
                update(_steps)
                .where(_steps.c.job_id == job_id, _steps.c.step == step)
                .values(attempts=_steps.c.attempts + 1)
                .returning(_steps.c.attempts)
            ).scalar_one()
            connection.execute(
                update(_jobs)
                .where(_jobs.c.job_id == job_id, _OPEN)
                .values(status=JobStatus.RUNNING, step=step, updated_at_s=time.time())
            )
        return attempts

    def save_checkpoint(self, job_id: str, step: str, ref: str) -> None:
        """Remember the newest point to resume from."""
        with self._engine.begin() as connection:
            connection.execute(
                update(_steps)
                .where(_steps.c.job_id == job_id, _steps.c.step == step)
                .values(checkpoint=ref)
            )

    def checkpoint(self, job_id: str, step: str) -> str | None:
        """Return the newest checkpoint of a step."""
        with self._engine.connect().execution_options(read_only=True) as connection:
            ref: str | None = connection.execute(
                select(_steps.c.checkpoint).where(_steps.c.job_id == job_id, _steps.c.step == step)
            ).scalar_one_or_none()
        return ref

    def finish_step(self, job_id: str, step: str, result: str) -> None:
        """Store a step's result (JSON); messages carry none."""
        with self._engine.begin() as connection:
            connection.execute(
                update(_steps)
                .where(_steps.c.job_id == job_id, _steps.c.step == step)
                .values(result=result)
            )

    def results(self, job_id: str) -> dict[str, str]:
        """Return the results of the finished steps by step name."""
        with self._engine.connect().execution_options(read_only=True) as connection:
            rows = connection.execute(
                select(_steps.c.step, _steps.c.result).where(
                    _steps.c.job_id == job_id, _steps.c.result.is_not(None)
                )
            )
            return {row.step: row.result for row in rows}

    def request_cancel(self, job_id: str) -> None:
        """Ask for a stop at the next step boundary."""
        self._update(job_id, cancel_requested=True)

    def decide_outcome(self, job_id: str, outcome: JobStatus, error: str) -> None:
        """Say how the job will end once it is compensated; the first to say so wins."""
        with self._engine.begin() as connection:
            connection.execute(
                update(_jobs)
                .where(_jobs.c.job_id == job_id, _jobs.c.outcome.is_(None), _OPEN)
                .values(outcome=outcome, error=error, updated_at_s=time.time())
            )

    def claim_compensation(self, job_id: str, failed_task: str) -> bool:
        """Whether the compensation for `failed_task` is the one to run.

        One failure calls several errbacks (the header task's and the chord's own), and one cancel
        fails several tasks. The first wins, and wins again when its message is redelivered.
        """
        with self._engine.begin() as connection:
            connection.execute(
                update(_jobs)
                .where(_jobs.c.job_id == job_id, _jobs.c.compensated_for.is_(None), _OPEN)
                .values(compensated_for=failed_task)
            )
            winner = connection.execute(
                select(_jobs.c.compensated_for).where(_jobs.c.job_id == job_id, _OPEN)
            ).scalar_one_or_none()
        return winner == failed_task

    def close_as_decided(self, job_id: str) -> None:
        """End the job as decided when it failed."""
        self._update(job_id, status=_jobs.c.outcome)

    def close(
        self, job_id: str, status: JobStatus, *, result: str | None = None, error: str | None = None
    ) -> None:
        """End the job, once."""
        self._update(job_id, status=status, result=result, error=error)

    def _update(self, job_id: str, **values: object) -> None:
        with self._engine.begin() as connection:
            connection.execute(
                update(_jobs)
                .where(_jobs.c.job_id == job_id, _OPEN)
                .values(**values, updated_at_s=time.time())
            )
