"""How busy the machine was while a run went on: a recovery that waited for a processor says little
of its engine."""

import asyncio
import contextlib
import time

import psutil

from bench.record.history import HostSample

_EVERY_S = 1.0


class HostMonitor:
    """Samples the processors once a second. Use as an async context manager."""

    def __init__(self) -> None:
        self._task: asyncio.Task[None] | None = None
        self.samples: list[HostSample] = []

    async def __aenter__(self) -> "HostMonitor":
        psutil.cpu_percent()  # The first call has nothing to compare with.
        self._task = asyncio.create_task(self._sample())
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def _sample(self) -> None:
        while True:
            await asyncio.sleep(_EVERY_S)
            busy = psutil.cpu_percent() / 100
            self.samples.append(HostSample(busy, time.time(), time.monotonic()))
