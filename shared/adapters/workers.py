"""The list of live workers in SQL."""

import time
from collections.abc import Sequence

from sqlalchemy import Column, Float, Integer, String, Table, delete, select
from sqlalchemy import Engine as Database

from shared.adapters.sql import insert_or_ignore, metadata
from shared.ports.workers import WorkerInfo

_workers = Table(
    "workers",
    metadata,
    Column("name", String(200), primary_key=True),
    Column("pid", Integer, primary_key=True),
    Column("role", String(10), nullable=False),
    Column("engine", String(20), nullable=False),
    Column("seen_at_s", Float(53), nullable=False),
)


class SqlWorkers:
    """`Workers` as one row a process."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def beat(self, name: str, role: str, engine: str, pid: int) -> None:
        now = time.time()
        row = {"name": name, "pid": pid, "role": role, "engine": engine, "seen_at_s": now}
        with self._database.begin() as connection:
            connection.execute(insert_or_ignore(self._database, _workers), row)
            connection.execute(
                _workers.update()
                .where(_workers.c.name == name, _workers.c.pid == pid)
                .values(seen_at_s=now)
            )

    def leave(self, name: str, pid: int) -> None:
        with self._database.begin() as connection:
            connection.execute(
                delete(_workers).where(_workers.c.name == name, _workers.c.pid == pid)
            )

    def alive(self, within_s: float = 5.0) -> Sequence[WorkerInfo]:
        now = time.time()
        query = (
            select(_workers).where(_workers.c.seen_at_s > now - within_s).order_by(_workers.c.name)
        )
        with self._database.connect().execution_options(read_only=True) as connection:
            return [
                WorkerInfo(row.name, row.role, row.engine, row.pid, now - row.seen_at_s)
                for row in connection.execute(query)
            ]
