"""The database: one SQLAlchemy engine a process, SQLite in WAL mode by default."""

import sqlite3
from typing import Any

from sqlalchemy import Engine, MetaData, create_engine, event
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import OperationalError, ProgrammingError
from sqlalchemy.schema import CreateIndex, CreateTable

metadata = MetaData()

_BUSY_TIMEOUT_S = 20


def connect(url: str) -> Engine:
    """Return an engine for `url`; nothing is opened yet.

    Safe under SIGKILL of any process that uses it: every change is one transaction, and SQLite's
    WAL survives the death of a writer.
    """
    if not url.startswith("sqlite"):
        return create_engine(url, pool_pre_ping=True, pool_size=4, max_overflow=8)
    engine = create_engine(url, connect_args={"timeout": _BUSY_TIMEOUT_S})
    event.listen(engine, "connect", _configure_sqlite)
    event.listen(engine, "begin", _begin_immediate)
    return engine


def _configure_sqlite(connection: sqlite3.Connection, _record: object) -> None:
    # The driver's own BEGIN is deferred, and a deferred transaction that turns into a writer
    # fails at once with SQLITE_BUSY instead of waiting. So transactions are begun by hand, below.
    connection.isolation_level = None
    connection.execute(f"PRAGMA busy_timeout={_BUSY_TIMEOUT_S * 1000}")
    connection.execute("PRAGMA journal_mode=WAL")
    # NORMAL keeps the database whole under SIGKILL; only a power cut may take the last commits.
    connection.execute("PRAGMA synchronous=NORMAL")


def _begin_immediate(connection: Any) -> None:
    if not connection.get_execution_options().get("read_only"):
        connection.exec_driver_sql("BEGIN IMMEDIATE")


def create_tables(engine: Engine, tables: MetaData = metadata) -> None:
    """Create what is missing; several processes may do so at once."""
    with engine.begin() as connection:
        for table in tables.sorted_tables:
            connection.execute(CreateTable(table, if_not_exists=True))
            for index in sorted(table.indexes, key=lambda index: str(index.name)):
                connection.execute(CreateIndex(index, if_not_exists=True))


def insert_or_ignore(engine: Engine, table: Any) -> Any:
    """Return an INSERT that leaves an existing row as it is."""
    dialect = postgresql if engine.dialect.name == "postgresql" else sqlite
    return dialect.insert(table).on_conflict_do_nothing()


DatabaseError = (OperationalError, ProgrammingError)
"""What a database that is down, locked or without its tables raises."""
