"""The state that Celery makes us keep, in a database of the test's own."""

from pathlib import Path

import pytest
from sqlalchemy import Engine as Database

from celery_impl.kept_by_us.publication import Publications
from celery_impl.kept_by_us.state import JobStates
from celery_impl.kept_by_us.step_state import StepStates
from shared.adapters.sql import connect, create_tables


@pytest.fixture
def database(tmp_path: Path) -> Database:
    database = connect(f"sqlite:///{tmp_path / 'state.db'}")
    create_tables(database)
    return database


@pytest.fixture
def states(database: Database) -> JobStates:
    return JobStates(database)


@pytest.fixture
def steps(database: Database) -> StepStates:
    return StepStates(database)


@pytest.fixture
def publications(database: Database) -> Publications:
    return Publications(database)
