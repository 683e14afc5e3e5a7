"""Write-once registers in SQL."""

from sqlalchemy import Column, String, Table, select
from sqlalchemy import Engine as Database

from shared.adapters.sql import insert_or_ignore, metadata, transaction

_decisions = Table(
    "decisions",
    metadata,
    Column("key", String(120), primary_key=True),
    Column("value", String(40), nullable=False),
)


class SqlDecisions:
    """`Decisions` by the primary key: the first insert wins."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def decide(self, key: str, value: str) -> str:
        with transaction(self._database) as connection:
            connection.execute(
                insert_or_ignore(self._database, _decisions), {"key": key, "value": value}
            )
            stands: str = connection.execute(
                select(_decisions.c.value).where(_decisions.c.key == key)
            ).scalar_one()
            return stands
