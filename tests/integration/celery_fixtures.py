"""Engines and GPU workers of a Celery lab, gone when their test is over."""

from collections.abc import AsyncIterator, Iterator

import pytest

from celery_impl.engine import CeleryEngine, create_engine
from tests.integration.celery_lab import Lab, Process, StartWorker
from tests.integration.celery_sessions import Engines


@pytest.fixture
async def engines() -> AsyncIterator[Engines]:
    """Starts engines of a lab, with other settings where the test gives some."""
    started: list[CeleryEngine] = []

    async def start(lab: Lab, **changes: object) -> CeleryEngine:
        started.append(create_engine(lab.settings.model_copy(update=changes)))
        await started[-1].start()
        return started[-1]

    yield start
    for engine in started:
        await engine.close()


@pytest.fixture
async def engine(lab: Lab, engines: Engines) -> CeleryEngine:
    """The engine of the lab under test."""
    return await engines(lab)


@pytest.fixture
def gpu(lab: Lab) -> Iterator[StartWorker]:
    """Starts GPU workers of the lab under test, by name."""
    started: list[Process] = []

    def start(name: str) -> Process:
        started.append(lab.worker("gpu", name))
        return started[-1]

    yield start
    for worker in started:
        worker.kill()
