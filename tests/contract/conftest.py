"""The databases that every SQL adapter must serve alike: SQLite always, PostgreSQL where given.

Set `CHANGEOVER_TEST_POSTGRES_URL` (`postgresql+psycopg://user@host:port/database`) to a database
that the tests may create schemas in; each test gets a schema of its own and drops it.
"""

import os
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine as Database
from sqlalchemy import create_engine, make_url, text

from shared.adapters.sql import connect, create_tables

_POSTGRES = os.environ.get("CHANGEOVER_TEST_POSTGRES_URL")


@pytest.fixture(
    params=[
        "sqlite",
        pytest.param(
            "postgresql",
            marks=pytest.mark.skipif(
                _POSTGRES is None, reason="CHANGEOVER_TEST_POSTGRES_URL is not set"
            ),
        ),
    ]
)
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of a database without tables, as `CHANGEOVER_DATABASE_URL` would name it."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'contract.db'}"
        return
    assert _POSTGRES is not None
    schema = f"contract_{uuid.uuid4().hex}"
    admin = create_engine(_POSTGRES, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(text(f"CREATE SCHEMA {schema}"))
    url = make_url(_POSTGRES).update_query_dict({"options": f"-csearch_path={schema}"})
    try:
        yield url.render_as_string(hide_password=False)
    finally:
        with admin.connect() as connection:
            connection.execute(text(f"DROP SCHEMA {schema} CASCADE"))
        admin.dispose()


@pytest.fixture
def url(empty_url: str) -> str:
    """The URL of a database with its tables."""
    database = connect(empty_url)
    create_tables(database)
    database.dispose()
    return empty_url


@pytest.fixture
def database(url: str) -> Iterator[Database]:
    """A database with its tables."""
    engine = connect(url)
    yield engine
    engine.dispose()
