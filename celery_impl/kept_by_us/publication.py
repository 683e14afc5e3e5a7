"""What is to be published, and what has been: an outbox in SQL.

The state of a job and the message that carries it on are in two places, and a process can die
between the two. So whoever changes the state announces the message in the same transaction, and
then publishes it; if that fails, a repeat of the call or the sweeper does. A broker takes the same
message as often as it is sent, so publishers take turns. Temporal keeps both in one place.
"""

import time
from dataclasses import dataclass

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    Float,
    String,
    Table,
    and_,
    delete,
    select,
    update,
)
from sqlalchemy import Engine as Database

from shared.adapters.sql import insert_if_absent, metadata, transaction

_publications = Table(
    "celery_publications",
    metadata,
    Column("job_id", String(36), primary_key=True),
    # The first step of what is published; the row goes when the step begins.
    Column("step", String(80), primary_key=True),
    Column("claimed_until_s", Float(53), nullable=False),
    Column("published_at_s", Float(53), nullable=True),
)
_DUE = _publications.c.published_at_s.is_(None)


@dataclass(frozen=True, slots=True)
class Publication:
    """A message that was published and whose step has not begun."""

    job_id: str
    step: str
    published_at_s: float | None


def announce(connection: Connection, job_id: str, step: str, claim_s: float = 0.0) -> None:
    """Promise, in the caller's transaction, that what begins with `step` will be published.

    With `claim_s` the caller is to publish it, as after `claim`.
    """
    claimed_until_s = time.time() + claim_s if claim_s else 0.0
    row = {"job_id": job_id, "step": step, "claimed_until_s": claimed_until_s}
    insert_if_absent(connection, _publications, row)


def received(connection: Connection, job_id: str, step: str) -> None:
    """Note that a worker has the message."""
    connection.execute(delete(_publications).where(_of(job_id, step)))


def forget(connection: Connection, job_id: str) -> None:
    """Drop what a job that is over had still announced."""
    connection.execute(delete(_publications).where(_publications.c.job_id == job_id))


class Publications:
    """One row for each message that no worker has begun; every method is one transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def of_job(self, job_id: str) -> list[Publication]:
        """Return what a job has announced, published or not."""
        return self._read(_publications.c.job_id == job_id)

    def due(self, job_id: str) -> list[str]:
        """Return the steps of a job that are still to be published."""
        return [each.step for each in self._read(_DUE, _publications.c.job_id == job_id)]

    def left_behind(self) -> set[str]:
        """Return the jobs with something to publish that nobody is publishing."""
        unclaimed = _publications.c.claimed_until_s < time.time()
        return {each.job_id for each in self._read(_DUE, unclaimed)}

    def unseen_since(self, before_s: float) -> list[Publication]:
        """Return what was published before this Unix time and has not been begun."""
        return self._read(_publications.c.published_at_s < before_s)

    def announce(self, job_id: str, step: str) -> None:
        """Promise that what begins with `step` will be published; a repeat changes nothing."""
        with transaction(self._database) as connection:
            announce(connection, job_id, step)

    def claim(self, job_id: str, step: str, claim_s: float) -> bool:
        """Whether the caller is to publish.

        A claim that is not redeemed within `claim_s` seconds, because publishing failed or its
        process died, passes to the next caller.
        """
        now = time.time()
        free = and_(_DUE, _publications.c.claimed_until_s < now)
        return self._change(job_id, step, free, claimed_until_s=now + claim_s)

    def redeem(self, job_id: str, step: str) -> None:
        """Record that the broker has the message."""
        self._change(job_id, step, published_at_s=time.time())

    def abandon(self, job_id: str, step: str) -> None:
        """Give the claim back at once, after publishing has failed."""
        self._change(job_id, step, _DUE, claimed_until_s=0.0)

    def retract(self, lost: Publication) -> None:
        """Have a message published again that the broker has lost."""
        unchanged = _publications.c.published_at_s == lost.published_at_s
        self._change(lost.job_id, lost.step, unchanged, published_at_s=None, claimed_until_s=0.0)

    def _read(self, *conditions: ColumnElement[bool]) -> list[Publication]:
        query = select(_publications).where(*conditions).order_by(_publications.c.step)
        with self._database.connect().execution_options(read_only=True) as connection:
            return [
                Publication(row.job_id, row.step, row.published_at_s)
                for row in connection.execute(query)
            ]

    def _change(
        self, job_id: str, step: str, *conditions: ColumnElement[bool], **values: object
    ) -> bool:
        changed = update(_publications).where(_of(job_id, step), *conditions).values(**values)
        with transaction(self._database) as connection:
            return connection.execute(changed).rowcount == 1


def _of(job_id: str, step: str) -> ColumnElement[bool]:
    return and_(_publications.c.job_id == job_id, _publications.c.step == step)
