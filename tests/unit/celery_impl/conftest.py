"""The state that Celery makes us keep, in a database of the test's own."""

from pathlib import Path

import pytest
from sqlalchemy import Engine

from celery_impl.kept_by_us.publication import Publications
from celery_impl.kept_by_us.state import JobStates
from celery_impl.kept_by_us.step_state import StepStates
from shared.adapters.sql import connect, create_tables


@pytest.fixture
def database(tmp_path: Path) -> Engine:
    database = connect(f"sqlite:///{tmp_path / 'state.db'}")
    create_tables(database)
    return database


@pytest.fixture
def states(database: Engine) -> JobStates:
    return JobStates(database)


@pytest.fixture
def steps(database: Engine) -> StepStates:
    return StepStates(database)


@pytest.fixture
def publications(database: Engine) -> Publications:
    return Publications(database)
