"""Runs every row on every engine, one engine after the other."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from bench.capabilities.patterns.lab import Lab, running_lab

ENGINES = ("celery", "temporal")


@pytest_asyncio.fixture(scope="session", loop_scope="session", params=ENGINES)
async def lab(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Lab]:
    """The engine under test."""
    async with running_lab(request.param, tmp_path_factory.mktemp(request.param)) as running:
        yield running


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Write each test's row and engine into the JUnit report."""
    for item in items:
        row = item.get_closest_marker("row")
        if row is not None and isinstance(item, pytest.Function):
            item.user_properties.append(("row", row.args[0]))
            item.user_properties.append(("engine", item.callspec.params["lab"]))
