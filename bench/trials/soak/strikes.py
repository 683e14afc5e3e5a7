"""How each fault of a soak strikes, is seen to have struck, and is undone.

A fault of the chaos lab waits for the moment that it is aimed at. Here it strikes whatever is
there: it is confirmed from the process table, and from the ledger for each attempt that it hit.
"""

import asyncio
import contextlib
import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from bench.arms.ending import end_within_grace, until_replaced_or_gone
from bench.arms.supervisor import Managed
from bench.faults.kinds.freeze import stop_between_transactions
from bench.scenario.soak import SoakFault
from bench.trials.soak.arms import SoakArm
from bench.trials.soak.schedule import Strike
from shared.domain.records import AttemptRecord

_GONE_LIMIT_S = 5.0
_STOPPED_LIMIT_S = 1.0
_PROC = Path("/proc")


class Missed(Exception):
    """Nothing was there to strike, or the strike took no effect."""


@dataclass(slots=True)
class Blow:
    """One strike under way. `victims` are the attempts that were open on the process it hit."""

    arm: SoakArm
    strike: Strike
    hold_s: float
    place: Managed
    pid: int
    struck_at: float = 0.0
    detail: str = ""
    victims: list[list[AttemptRecord]] = field(default_factory=list)
    undo: Callable[[], None] = lambda: None

    async def inject(self) -> None:
        """Strike; `Missed` if it did not. `undo` is set before anything needs undoing."""
        if self.place.exited():
            raise Missed("its process was down")
        self.arm.tail.refresh()
        self.victims = self._open_attempts()
        match self.strike.fault:
            case SoakFault.SIGKILL:
                await self._kill()
            case SoakFault.CHILD_SIGKILL:
                await self._kill_child()
            case SoakFault.SIGTERM:
                self.struck_at = time.monotonic()
                self.place.terminate()
            case SoakFault.FREEZE:
                await self._freeze()
            case SoakFault.CONNECTION_RESET:
                self._reset()
            case SoakFault.PARTITION:
                self._part()

    async def hold(self) -> None:
        """Keep it up for as long as it lasts; most are over once they have struck."""
        match self.strike.fault:
            case SoakFault.SIGTERM:
                await end_within_grace(self.place, self.pid)
            case SoakFault.FREEZE | SoakFault.PARTITION:
                await asyncio.sleep(self.hold_s)

    def healed(self) -> bool:
        """Whether a process is in its place that is not stopped, and connected where that counts.

        A child is its parent's to replace, and this cannot tell when it has.
        """
        if self.place.exited():
            return False
        match self.strike.fault:
            case SoakFault.SIGKILL | SoakFault.SIGTERM:
                return self.place.pid != self.pid
            case SoakFault.CONNECTION_RESET | SoakFault.PARTITION:
                return self.arm.links[self.place.spec.name].connections > 0
            case _:
                return True

    async def _kill(self) -> None:
        self.struck_at = time.monotonic()
        self.place.kill_group()
        try:
            await until_replaced_or_gone(self.place, self.pid, _GONE_LIMIT_S)
        except TimeoutError as error:
            raise Missed(str(error)) from None

    async def _kill_child(self) -> None:
        children = _children(self.pid)
        if not children:
            raise Missed("the worker has no child yet")
        # One that is at work, if any is.
        at_work = [records[-1].pid for records in self.victims if records[-1].pid in children]
        child = at_work[0] if at_work else children[0]
        self.victims = [records for records in self.victims if records[-1].pid == child]
        self.struck_at = time.monotonic()
        try:
            os.kill(child, signal.SIGKILL)
        except ProcessLookupError:
            raise Missed(f"child {child} was gone before it could be killed") from None
        give_up_at = time.monotonic() + _GONE_LIMIT_S
        while _state(child) not in ("", "Z"):
            if time.monotonic() > give_up_at:
                raise Missed(f"child {child} is still there {_GONE_LIMIT_S:g} s after the signal")
            await asyncio.sleep(0.01)
        self.detail = f"child {child}"

    async def _freeze(self) -> None:
        self.undo = self.place.continue_group
        try:
            self.struck_at = await stop_between_transactions(self.place)
        except TimeoutError as error:
            raise Missed(str(error)) from None
        give_up_at = time.monotonic() + _STOPPED_LIMIT_S
        while (state := _state(self.pid)) != "T":
            if time.monotonic() > give_up_at:
                raise Missed(f"its state is {state or 'unknown'}, not stopped")
            await asyncio.sleep(0.01)

    def _reset(self) -> None:
        self.struck_at = time.monotonic()
        cut = self.arm.links[self.place.spec.name].reset()
        if not cut:
            raise Missed("it had no connection to reset")
        self.detail = f"{cut} connections"

    def _part(self) -> None:
        link = self.arm.links[self.place.spec.name]
        if not link.connections:
            raise Missed("it had no connection to cut")
        self.undo = link.unblock
        self.struck_at = time.monotonic()
        link.block()
        self.detail = f"{link.connections} connections"

    def _open_attempts(self) -> list[list[AttemptRecord]]:
        """Return the attempts that have not ended, in a process that is still there."""
        found = []
        for records in self.arm.tail.open_attempts():
            last = records[-1]
            if last.worker != self.place.spec.name:
                continue
            if _group(last.pid) == self.pid:
                found.append(list(records))
            elif _group(last.pid) is None:
                self.arm.tail.forget(last.attempt_id)
        return found


def _group(pid: int) -> int | None:
    with contextlib.suppress(OSError):
        return os.getpgid(pid)
    return None


def _children(pid: int) -> list[int]:
    with contextlib.suppress(OSError):
        listed = (_PROC / str(pid) / "task" / str(pid) / "children").read_text().split()
        return sorted(int(child) for child in listed)
    return []


def _state(pid: int) -> str:
    """Return the letter of proc(5) for a process's state, empty if there is none."""
    with contextlib.suppress(OSError):
        return (_PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()[0]
    return ""
