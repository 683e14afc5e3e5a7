"""The ledger in SQL."""

from collections.abc import Sequence

from sqlalchemy import (
    Column,
    Float,
    Integer,
    Row,
    Select,
    String,
    Table,
    Text,
    insert,
    select,
)
from sqlalchemy import (
    Engine as Database,
)

from shared.adapters.sql import metadata, take_turns, transaction
from shared.domain.records import AttemptRecord
from shared.domain.status import RecordKind

_ledger = Table(
    "ledger",
    metadata,
    Column("seq", Integer, primary_key=True, autoincrement=True),
    Column("kind", String(20), nullable=False),
    Column("job_id", String(36), nullable=False, index=True),
    Column("step", String(80), nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("attempt_id", String(32), nullable=False),
    Column("worker", String(200), nullable=False),
    Column("pid", Integer, nullable=False),
    Column("done", Integer, nullable=False),
    Column("total", Integer, nullable=False),
    Column("detail", Text, nullable=False),
    Column("wall_s", Float(53), nullable=False),
    Column("mono_s", Float(53), nullable=False),
)
_FIELDS = [column.name for column in _ledger.columns if column.name != "seq"]


class SqlLedger:
    """`Ledger` in one append-only table."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def append(self, *records: AttemptRecord) -> None:
        rows = [{name: getattr(record, name) for name in _FIELDS} for record in records]
        with transaction(self._database) as connection:
            # PostgreSQL hands out numbers before it commits: a reader that follows by number would
            # miss a record that commits after a higher one.
            take_turns(connection, "ledger")
            connection.execute(insert(_ledger), rows)

    def since(self, seq: int) -> Sequence[AttemptRecord]:
        return self._read(select(_ledger).where(_ledger.c.seq > seq))

    def of_job(self, job_id: str) -> Sequence[AttemptRecord]:
        return self._read(select(_ledger).where(_ledger.c.job_id == job_id))

    def _read(self, query: Select[*tuple[object, ...]]) -> Sequence[AttemptRecord]:
        with self._database.connect().execution_options(read_only=True) as connection:
            return [_record(row) for row in connection.execute(query.order_by(_ledger.c.seq))]


def _record(row: Row[*tuple[object, ...]]) -> AttemptRecord:
    values = dict(row._mapping)
    values["kind"] = RecordKind(values["kind"])
    return AttemptRecord(**values)
