"""Which flows have been published: a broker takes the same message as often as it is sent.

Temporal starts a workflow id once (`USE_EXISTING`); here several concurrent submissions of one
job, on several hosts, have to agree on who publishes it.
"""

import time
from enum import StrEnum

from sqlalchemy import Boolean, Column, Engine, Float, String, Table, select, update

from shared.adapters.sql import insert_or_ignore, metadata

_publications = Table(
    "celery_publications",
    metadata,
    Column("job_id", String(36), primary_key=True),
    Column("published", Boolean, nullable=False),
    Column("claimed_until_s", Float(53), nullable=False),
)


class Turn(StrEnum):
    """Who publishes a job's flow."""

    YOURS = "yours"
    ANOTHERS = "another's"
    OVER = "over"


class Publications:
    """One row a job; every method is one transaction."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def claim(self, job_id: str, claim_s: float) -> Turn:
        """Say whether the caller is to publish.

        A claim that is not redeemed within `claim_s` seconds, because publishing failed or its
        process died, passes to the next caller.
        """
        now = time.time()
        row = {"job_id": job_id, "published": False, "claimed_until_s": 0.0}
        mine = _publications.c.job_id == job_id
        free = ~_publications.c.published & (_publications.c.claimed_until_s < now)
        with self._engine.begin() as connection:
            connection.execute(insert_or_ignore(self._engine, _publications), row)
            if connection.execute(
                update(_publications).where(mine, free).values(claimed_until_s=now + claim_s)
            ).rowcount:
                return Turn.YOURS
            published = connection.execute(
                select(_publications.c.published).where(mine)
            ).scalar_one()
        return Turn.OVER if published else Turn.ANOTHERS

    def redeem(self, job_id: str) -> None:
        """Record that the broker has the first message of the flow."""
        with self._engine.begin() as connection:
            connection.execute(
                update(_publications).where(_publications.c.job_id == job_id).values(published=True)
            )

    def abandon(self, job_id: str) -> None:
        """Give the claim back at once, after publishing has failed."""
        with self._engine.begin() as connection:
            connection.execute(
                update(_publications)
                .where(_publications.c.job_id == job_id, ~_publications.c.published)
                .values(claimed_until_s=0.0)
            )
