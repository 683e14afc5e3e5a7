"""What the servers of a run complain of when the machine does not keep up."""

import asyncio
import contextlib
import re
import time
from pathlib import Path

from bench.arms.redis_latency import latest
from bench.arms.supervisor import Managed, Supervisor
from bench.record.history import Distress, ServerPause

_EVERY_S = 1.0
_COMPLAINTS = {
    # Its own calls to its database, and to its other parts, that took longer than they may.
    "temporal": re.compile(rb"deadline exceeded|database is locked", re.IGNORECASE),
    # aof.c, flushAppendOnlyFile: a write that waited for a sync under way.
    "redis": re.compile(rb"fsync is taking too long", re.IGNORECASE),
}
"""By the name of the server's process."""


class DistressMonitor:
    """Reads the servers' logs, and asks Redis, once a second. Use as an async context manager."""

    def __init__(self, supervisor: Supervisor) -> None:
        self._supervisor = supervisor
        self._read_to: dict[Path, int] = {}
        self._task: asyncio.Task[None] | None = None
        self._known: dict[tuple[Path, str], tuple[int, float]] = {}
        self.found: list[Distress] = []
        self.pauses: list[ServerPause] = []

    async def __aenter__(self) -> "DistressMonitor":
        self._task = asyncio.create_task(self._follow())
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def _follow(self) -> None:
        while True:
            await asyncio.sleep(_EVERY_S)
            for place in self._supervisor.places:
                if (complaint := _COMPLAINTS.get(place.spec.name)) is not None:
                    self._look(place, complaint)
                if place.spec.url:
                    await self._ask(place)

    async def _ask(self, place: Managed) -> None:
        try:
            answer = await latest(place.spec.url)
        except (OSError, TimeoutError, ValueError, EOFError):
            return  # it is down, or frozen: no pause of its own making
        spec = place.spec
        for event, (at_s, pause_s) in answer.items():
            # Within a second the server keeps the longest, which may grow.
            if self._known.get((place.log, event)) != (at_s, pause_s):
                self._known[place.log, event] = at_s, pause_s
                self.pauses.append(
                    ServerPause(spec.arm, spec.name, event, pause_s, float(at_s), time.monotonic())
                )

    def _look(self, place: Managed, complaint: re.Pattern[bytes]) -> None:
        read_to = self._read_to.get(place.log, 0)
        with place.log.open("rb") as log:
            log.seek(read_to)
            fresh = log.read()
        whole, newline, _ = fresh.rpartition(b"\n")
        self._read_to[place.log] = read_to + len(whole) + len(newline)
        count = sum(1 for line in whole.splitlines() if complaint.search(line))
        if count:
            spec = place.spec
            self.found.append(Distress(spec.arm, spec.name, count, time.time(), time.monotonic()))
