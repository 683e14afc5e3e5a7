"""Engines of a Celery lab, closed when their test is over."""

from collections.abc import AsyncIterator

import pytest

from celery_impl.engine import CeleryEngine, create_engine
from tests.integration.celery_lab import Lab
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
