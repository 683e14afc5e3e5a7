"""What the kernel says of processes: proc(5)."""

import asyncio
import contextlib
import time
from pathlib import Path

_PROC = Path("/proc")
_POLL_S, _LIMIT_S = 0.01, 5.0


def children_of(pid: int) -> list[int]:
    """Return the children of a process, the oldest number first; none where none can tell."""
    with contextlib.suppress(OSError):
        listed = (_PROC / str(pid) / "task" / str(pid) / "children").read_text().split()
        return sorted(int(child) for child in listed)
    return []


def state_of(pid: int) -> str:
    """Return the letter of a process's state, empty if there is none."""
    with contextlib.suppress(OSError):
        return (_PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()[0]
    return ""


async def until_state(pid: int, *wanted: str) -> None:
    """Return once a process is in one of these states; `TimeoutError` after 5 s."""
    give_up_at = time.monotonic() + _LIMIT_S
    while (state := state_of(pid)) not in wanted:
        if time.monotonic() > give_up_at:
            raise TimeoutError(f"process {pid} is in state {state or 'none'} {_LIMIT_S:g} s after")
        await asyncio.sleep(_POLL_S)
