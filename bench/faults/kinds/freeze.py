"""Faults that stop a worker's process group without ending it: SIGSTOP, and SIGCONT to heal."""

import asyncio
import contextlib
import os
import time
from pathlib import Path

from bench.arms.process_table import until_state
from bench.arms.supervisor import Managed
from bench.arms.topology import WORKERS
from bench.faults.fault import Facts, Fault
from shared.domain.impact import Impact

_LEASES = 2.0
_SLOW_FOR_S = 20.0
_PERIOD_S, _SHARE_AWAKE = 0.5, 0.1
_PAUSE_LIMIT_S, _RETRY_S = 2.0, 0.003
_LOCKS = Path("/proc/locks")


class _Stopped(Fault):
    def heal(self) -> None:
        """SIGCONT the group: a stopped process cannot even be told to end."""
        self.place.continue_group()

    def healed(self) -> bool:
        """Whether the attempt has ended: a zombie that goes on is still at work."""
        if self.strikes_a_place:
            return not self.place.exited()
        records = self.context.tail.by_attempt[self.target.attempt_id]
        return any(record.kind.ends_attempt for record in records)


class Zombie(_Stopped):
    """The worker stands still for twice the lease, and then goes on as if nothing had happened."""

    facts = Facts(
        name="zombie",
        impact=Impact.SILENT,
        row=8,
        title="Worker frozen past its lease, then awake (SIGSTOP, SIGCONT)",
        role="GPU worker",
        moment="generate_image at 25-75 %",
        heals_by="SIGCONT after twice the detection budget",
        places=WORKERS,
    )

    async def inject(self) -> float:
        """Stop every process of the worker's group."""
        at = await stop_between_transactions(self.place)
        if self.strikes_a_place:
            await until_state(self.target.pid, "T")
        return at

    async def hold(self) -> None:
        """Leave it asleep for twice the detection budget."""
        budget_s = self.context.detection_budget_s
        await asyncio.sleep(self.context.hold_s or _LEASES * budget_s)


class SlowWorker(_Stopped):
    """The worker gets a tenth of its time: stopped and continued in turn."""

    facts = Facts(
        name="slow-worker",
        impact=Impact.SLOWED,
        row=None,
        title="Worker at a tenth of its speed",
        role="GPU worker",
        moment="generate_image at 10-50 %",
        heals_by="SIGCONT after 20 s, or once the step is over",
        at=(0.1, 0.5),
    )

    async def inject(self) -> float:
        """Begin to slow it down."""
        return await stop_between_transactions(self.place)

    async def hold(self) -> None:
        """Let it run a tenth of the time, until its step is over or the fault is."""
        worker = self.place
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_SLOW_FOR_S):
                while not self.healed():
                    await asyncio.sleep(_PERIOD_S * (1 - _SHARE_AWAKE))
                    worker.continue_group()
                    await asyncio.sleep(_PERIOD_S * _SHARE_AWAKE)
                    await stop_between_transactions(worker)


async def stop_between_transactions(worker: Managed) -> float:
    """SIGSTOP the group, but not while it keeps everyone else out of the arm's database.

    A frozen client of a database server holds up nobody but itself for long; one that is frozen
    inside a write to SQLite holds up the whole arm, which would measure SQLite and no engine.
    Returns when it stopped; `TimeoutError` if it wrote without a pause for 2 s.
    """
    give_up_at = time.monotonic() + _PAUSE_LIMIT_S
    while True:
        at = time.monotonic()
        worker.stop_group()
        if not _writes(worker.pid):
            return at
        worker.continue_group()
        if at > give_up_at:
            raise TimeoutError(f"{worker.spec.name} wrote to its database all the time")
        await asyncio.sleep(_RETRY_S)


def _writes(group: int) -> bool:
    """Whether a process of the group holds a write lock on a file; False where none can tell."""
    try:
        lines = _LOCKS.read_text().splitlines()
    except OSError:
        return False
    # proc(5): number, kind, mode, access, pid, device and inode, range.
    writers = {int(line.split()[4]) for line in lines if " WRITE " in line and "->" not in line}
    return any(_group_of(pid) == group for pid in writers)


def _group_of(pid: int) -> int | None:
    try:
        return os.getpgid(pid)
    except OSError:
        return None
