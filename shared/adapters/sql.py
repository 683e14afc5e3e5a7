"""The database: one a process, SQLite in WAL mode by default."""

import sqlite3
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import partial
from typing import Any

from sqlalchemy import Connection, MetaData, create_engine, event, func, select
from sqlalchemy import Engine as Database
from sqlalchemy.dialects import sqlite
from sqlalchemy.exc import OperationalError, ProgrammingError
from sqlalchemy.pool import QueuePool
from sqlalchemy.schema import CreateIndex, CreateTable

from shared.domain.durability import Durability

metadata = MetaData()

_BUSY_TIMEOUT_S = 20
_CONNECT_TIMEOUT_S = 5


def connect(url: str, durability: Durability = Durability.PROCESS) -> Database:
    """Return a database for `url`; nothing is opened yet.

    Safe under SIGKILL of any process that uses it: every change is one transaction, and SQLite's
    WAL survives the death of a writer. What survives a power cut on SQLite is for `durability` to
    say; a server's own settings decide it elsewhere.
    """
    if not url.startswith("sqlite"):
        return create_engine(
            url,
            pool_pre_ping=True,
            pool_size=4,
            max_overflow=8,
            # libpq's own is not to give up.
            connect_args={"connect_timeout": _CONNECT_TIMEOUT_S},
        )
    database = create_engine(url, connect_args={"timeout": _BUSY_TIMEOUT_S})
    event.listen(database, "connect", partial(_configure_sqlite, durability))
    event.listen(database, "begin", _begin_immediate)
    return database


def _configure_sqlite(
    durability: Durability, connection: sqlite3.Connection, _record: object
) -> None:
    # The driver's own BEGIN is deferred, and a deferred transaction that turns into a writer
    # fails at once with SQLITE_BUSY instead of waiting. So transactions are begun by hand, below.
    connection.isolation_level = None
    connection.execute(f"PRAGMA busy_timeout={_BUSY_TIMEOUT_S * 1000}")
    _switch_to_wal(connection)
    connection.execute(f"PRAGMA synchronous={durability.sqlite_synchronous}")


def _switch_to_wal(connection: sqlite3.Connection) -> None:
    # SQLite does not wait here: of two that switch a new file at once, one is told at once that it
    # is locked, whatever the busy timeout (sqlite.org/wal.html, "Sometimes Queries Return
    # SQLITE_BUSY").
    give_up_at = time.monotonic() + _BUSY_TIMEOUT_S
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > give_up_at:
                raise
            time.sleep(0.01)
        else:
            return


def _begin_immediate(connection: Any) -> None:
    if not connection.get_execution_options().get("read_only"):
        connection.exec_driver_sql("BEGIN IMMEDIATE")


_joined: ContextVar[Connection | None] = ContextVar("joined", default=None)


@contextmanager
def transaction(database: Database) -> Iterator[Connection]:
    """Begin a transaction, or go on in the one that the caller has begun with `together`."""
    joined = _joined.get()
    if joined is not None and joined.engine is database:
        yield joined
        return
    with database.begin() as connection:
        yield connection


@contextmanager
def together(database: Database) -> Iterator[None]:
    """Have every `transaction` inside be part of one, which an error takes back as a whole."""
    with transaction(database) as connection:
        token = _joined.set(connection)
        try:
            yield
        finally:
            _joined.reset(token)


def create_tables(database: Database, tables: MetaData = metadata) -> None:
    """Create what is missing; several processes may do so at once."""
    with database.begin() as connection:
        # PostgreSQL's IF NOT EXISTS fails with a duplicate key if another session creates the same.
        take_turns(connection, "tables")
        for table in tables.sorted_tables:
            connection.execute(CreateTable(table, if_not_exists=True))
            for index in sorted(table.indexes, key=lambda index: str(index.name)):
                connection.execute(CreateIndex(index, if_not_exists=True))


def insert_or_ignore(database: Database, table: Any) -> Any:
    """Return an INSERT that leaves an existing row as it is."""
    if database.dialect.name != "postgresql":
        return sqlite.insert(table).on_conflict_do_nothing()
    # Late: it takes as long to import as a tenth of a worker's start, and most have no use for it.
    from sqlalchemy.dialects import postgresql

    return postgresql.insert(table).on_conflict_do_nothing()


def insert_if_absent(connection: Connection, table: Any, row: Mapping[str, object]) -> bool:
    """Add a row; False, and nothing is changed, if its primary key is there already."""
    # Not by `rowcount`: SQLAlchemy keeps it for UPDATE and DELETE only, and gives -1 for an INSERT
    # on PostgreSQL (sqlalchemy/engine/cursor.py, CursorResult.rowcount).
    statement = insert_or_ignore(connection.engine, table).returning(*table.primary_key.columns)
    return connection.execute(statement, dict(row)).first() is not None


def take_turns(connection: Connection, what: str) -> None:
    """Let one transaction at a time go on from here to its end; SQLite's writers always do."""
    if connection.dialect.name == "postgresql":
        connection.execute(select(func.pg_advisory_xact_lock(func.hashtext(what))))


def is_idle(database: Database) -> bool:
    """Whether no transaction of this process is under way."""
    return not isinstance(database.pool, QueuePool) or database.pool.checkedout() == 0


DatabaseError = (OperationalError, ProgrammingError)
"""What a database that is down, locked or without its tables raises."""
