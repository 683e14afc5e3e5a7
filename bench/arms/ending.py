"""Ways to end a supervised process, and to see it gone; the supervisor starts it again."""

import asyncio
import time

from bench.arms.supervisor import Managed

_POLL_S = 0.02
_KILL_LIMIT_S = 5.0


async def kill_at_once(*places: Managed) -> float:
    """SIGKILL the groups of all; return when the first signal was sent, once all are gone.

    `TimeoutError` if one is still there 5 s later.
    """
    pids, at = [place.pid for place in places], time.monotonic()
    for place in places:
        place.kill_group()
    for place, pid in zip(places, pids, strict=True):
        await until_replaced_or_gone(place, pid, _KILL_LIMIT_S)
    return at


async def end_within_grace(worker: Managed, pid: int) -> None:
    """Wait until process `pid` of this place is gone; kill its group once the grace is over."""
    try:
        await until_replaced_or_gone(worker, pid, worker.spec.stop_grace_s)
    except TimeoutError:
        worker.kill_group()
        await until_replaced_or_gone(worker, pid, _KILL_LIMIT_S)


async def until_replaced_or_gone(worker: Managed, pid: int, limit_s: float) -> None:
    """Return once process `pid` is no longer in this place; `TimeoutError` past the limit."""
    give_up_at = time.monotonic() + limit_s
    while worker.pid == pid and not worker.exited():
        if time.monotonic() > give_up_at:
            raise TimeoutError(f"process {pid} is still there {limit_s:g} s after the signal")
        await asyncio.sleep(_POLL_S)
