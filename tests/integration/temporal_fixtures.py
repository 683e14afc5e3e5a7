"""One development server for all tests against Temporal, and cells in namespaces of their own."""

from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.integration.temporal_cell import DevServer, MakeCell, Sink, cell, free_port

_NAMESPACES = [f"test-{index}" for index in range(36)]


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DevServer]:
    server = DevServer(tmp_path_factory.mktemp("temporal"), free_port(), _NAMESPACES)
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def namespaces() -> Iterator[str]:
    return iter(_NAMESPACES)


@pytest.fixture
async def new_cell(
    server: DevServer, namespaces: Iterator[str], tmp_path: Path
) -> AsyncIterator[MakeCell]:
    """Make cells, each in a namespace of its own."""
    namespace = next(namespaces)
    await server.ready(namespace)
    sink = Sink()
    with ExitStack() as cells:
        cells.callback(sink.stop)
        yield lambda **values: cells.enter_context(
            cell(tmp_path, server.address, sink, namespace=namespace, **values)
        )
