"""The state of steps, in SQL: attempts, checkpoints and results, of which a broker keeps none."""

from collections.abc import Collection

from sqlalchemy import Column, Integer, String, Table, Text, select, update
from sqlalchemy import Engine as Database

from celery_impl.kept_by_us.state import begun
from shared.adapters.sql import insert_or_ignore, metadata, transaction

_steps = Table(
    "celery_steps",
    metadata,
    Column("job_id", String(36), primary_key=True),
    Column("step", String(80), primary_key=True),
    Column("attempts", Integer, nullable=False),
    Column("checkpoint", Text, nullable=True),
    Column("result", Text, nullable=True),
)


class StepStates:
    """Every change is one transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def begin_attempt(self, job_id: str, step: str) -> int:
        """Count one more delivery of a step and return the attempt's number, from 1."""
        with transaction(self._database) as connection:
            row = {"job_id": job_id, "step": step, "attempts": 0}
            connection.execute(insert_or_ignore(self._database, _steps), row)
            attempts: int = connection.execute(
                update(_steps)
                .where(_steps.c.job_id == job_id, _steps.c.step == step)
                .values(attempts=_steps.c.attempts + 1)
                .returning(_steps.c.attempts)
            ).scalar_one()
            begun(connection, job_id, step)
        return attempts

    def has_begun(self, job_id: str, step: str) -> bool:
        """Whether a worker ever had a step."""
        query = select(_steps.c.attempts).where(_steps.c.job_id == job_id, _steps.c.step == step)
        with self._database.connect().execution_options(read_only=True) as connection:
            return connection.execute(query).first() is not None

    def save_checkpoint(self, job_id: str, step: str, ref: str) -> None:
        """Remember the newest point to resume from."""
        self._change(job_id, step, checkpoint=ref)

    def checkpoint(self, job_id: str, step: str) -> str | None:
        """Return the newest checkpoint of a step."""
        query = select(_steps.c.checkpoint).where(_steps.c.job_id == job_id, _steps.c.step == step)
        with self._database.connect().execution_options(read_only=True) as connection:
            ref: str | None = connection.execute(query).scalar_one_or_none()
        return ref

    def keep(self, job_id: str, step: str, result: str) -> bool:
        """Store a step's result (JSON) in the caller's transaction; messages carry none."""
        self._change(job_id, step, result=result)
        return True

    def finish(self, job_id: str, step: str, result: str) -> None:
        """Store the result of a step whose guard has had it all along."""
        self._change(job_id, step, result=result)

    def finished(self, job_id: str) -> Collection[str]:
        """Return the steps that a flow which is published again may leave out."""
        return self.results(job_id).keys()

    def results(self, job_id: str) -> dict[str, str]:
        """Return the results of the finished steps by step name."""
        query = select(_steps).where(_steps.c.job_id == job_id, _steps.c.result.is_not(None))
        with self._database.connect().execution_options(read_only=True) as connection:
            return {row.step: row.result for row in connection.execute(query)}

    def _change(self, job_id: str, step: str, **values: object) -> None:
        with transaction(self._database) as connection:
            connection.execute(
                update(_steps)
                .where(_steps.c.job_id == job_id, _steps.c.step == step)
                .values(**values)
            )
