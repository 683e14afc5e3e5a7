"""Sends new jobs to the flagged engine, and every known job to the engine that it is pinned to."""

import asyncio

from shared.loader import load_engine
from shared.ports.engine import Engine
from shared.ports.jobs import RegisteredJob
from shared.settings import Settings


class Router:
    """Engines are loaded when first needed, so a facade needs only the ones it serves."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._engines: dict[str, Engine] = {}
        self._loading = asyncio.Lock()

    @property
    def flag(self) -> str:
        """The engine that takes new jobs."""
        return self._settings.backend

    async def for_new_jobs(self) -> Engine:
        """Return the flagged engine."""
        return await self._engine(self.flag)

    async def of(self, job: RegisteredJob) -> Engine:
        """Return the engine that took this job; later changes of the flag never move it."""
        return await self._engine(job.engine)

    async def serving(self) -> list[Engine]:
        """Return the flagged engine and every other one that a job has been asked of."""
        await self.for_new_jobs()
        return list(self._engines.values())

    async def close(self) -> None:
        """Release all engines' clients."""
        for engine in self._engines.values():
            await engine.close()

    async def _engine(self, name: str) -> Engine:
        async with self._loading:
            if name not in self._engines:
                engine = load_engine(name, self._settings)
                await engine.start()
                self._engines[name] = engine
            return self._engines[name]
