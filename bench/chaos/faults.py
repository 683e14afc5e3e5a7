"""Faults as small objects: `inject`, `observed`, and what heals them.

Both faults here strike a worker process, and the supervisor's restart policy, equal for every
arm, heals them.
"""

import asyncio
import time
from typing import Protocol

from bench.supervisor import Managed

_POLL_S = 0.02
_KILL_LIMIT_S = 5.0


class WorkerFault(Protocol):
    """A fault that strikes one worker process."""

    name: str

    async def strike(self, worker: Managed) -> float:
        """Strike; return the moment (CLOCK_MONOTONIC, seconds) at which it did.

        Returns once the process is gone; `TimeoutError` if it is not.
        """
        ...


class Sigkill:
    """SIGKILL to the worker's whole process group at once: main process and children."""

    name = "sigkill"

    async def strike(self, worker: Managed) -> float:
        """Kill, and return when the signal was sent."""
        pid, at = worker.pid, time.monotonic()
        worker.kill_group()
        await _until_replaced_or_gone(worker, pid, _KILL_LIMIT_S)
        return at


class Sigterm:
    """SIGTERM to the worker's main process, and SIGKILL to its group once the grace is over."""

    name = "sigterm"

    async def strike(self, worker: Managed) -> float:
        """Ask to stop, wait the grace, then kill; return when SIGTERM was sent."""
        pid, at = worker.pid, time.monotonic()
        worker.terminate()
        try:
            await _until_replaced_or_gone(worker, pid, worker.spec.stop_grace_s)
        except TimeoutError:
            worker.kill_group()
            await _until_replaced_or_gone(worker, pid, _KILL_LIMIT_S)
        return at


async def _until_replaced_or_gone(worker: Managed, pid: int, limit_s: float) -> None:
    give_up_at = time.monotonic() + limit_s
    while worker.pid == pid and not worker.exited():
        if time.monotonic() > give_up_at:
            raise TimeoutError(f"process {pid} is still there {limit_s:g} s after the signal")
        await asyncio.sleep(_POLL_S)


FAULTS: dict[str, type[WorkerFault]] = {"sigkill": Sigkill, "sigterm": Sigterm}
