"""Faults of what a worker writes to: a database that is locked, a disk that takes no more."""

import asyncio
import contextlib
import math
import os
import resource
import sqlite3
import time
from collections.abc import Iterator

import psutil

from bench.arms.engines import ENGINES
from bench.faults.fault import Facts, Fault, FaultContext, Observation
from shared.domain.impact import Impact
from shared.domain.records import AttemptRecord

# Longer than any process waits for SQLite's write lock (shared/adapters/sql.py, busy timeout).
_LOCKED_FOR_S = 25.0
_LOCK_WITHIN_S = 5.0
_FULL_FOR_S = 5.0
CAN_LIMIT = hasattr(resource, "prlimit")
"""Whether the size of the files that another process writes can be limited here."""
WHY_NO_LIMIT = "this system has no prlimit: the limits of another process cannot be set"


class DatabaseLocked(Fault):
    """Another writer holds the arm's database for longer than any of its processes waits."""

    facts = Facts(
        name="database-locked",
        impact=Impact.UNWRITABLE,
        row=22,
        title="Database locked for 25 s",
        role="database of the arm",
        moment="generate_image at 25-75 %",
        heals_by="the lock is given back after 25 s; a client waits 20 s for it",
        whole_arm=True,
        outage_s=_LOCKED_FOR_S,
    )

    def __init__(self, context: FaultContext, target: AttemptRecord) -> None:
        """Aim at the attempt of this record."""
        super().__init__(context, target)
        self._holder: sqlite3.Connection | None = None
        self._released_at = math.inf

    async def inject(self) -> float:
        """Take the write lock; return when it was held."""
        path = self.context.stack.database_url.removeprefix("sqlite:///")
        # Taken here and not in a thread, so that no interrupt can lose it between taking and
        # keeping; the waits are short, for the arm's own transactions are.
        self._holder = sqlite3.connect(path, isolation_level=None, timeout=0.0)
        give_up_at = time.monotonic() + _LOCK_WITHIN_S
        while not self._begun(self._holder):
            if time.monotonic() > give_up_at:
                raise TimeoutError(f"the database was never free within {_LOCK_WITHIN_S:g} s")
            await asyncio.sleep(0.001)
        return time.monotonic()

    def observed(self) -> Observation:
        """The lock is held, and the attempt was at work."""
        if self._holder is None or not self._holder.in_transaction:
            return Observation(False, "the lock was not held")
        return super().observed()

    async def hold(self) -> None:
        """Keep everybody else from writing."""
        await asyncio.sleep(_LOCKED_FOR_S)

    def heal(self) -> None:
        """Give the lock back, having written nothing."""
        if self._holder is not None:
            self._holder.close()
            self._holder = None
            self._released_at = time.monotonic()

    def healed(self) -> bool:
        """Whether the arm has written again."""
        records = self.context.tail.records
        return bool(records) and records[-1].mono_s > self._released_at

    @staticmethod
    def _begun(holder: sqlite3.Connection) -> bool:
        try:
            holder.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY:
                raise
            return False
        return True


class DiskFull(Fault):
    """No process of the worker can write a byte to any file, as on a full disk or over a quota."""

    facts = Facts(
        name="disk-full",
        impact=Impact.UNWRITABLE,
        row=22,
        title="Disk full under a worker for 5 s",
        role="every file that a GPU worker writes",
        moment="generate_image at 25-75 %",
        heals_by="the limit on file sizes is lifted after 5 s; the supervisor starts a worker that"
        " died of it again",
        absent={} if CAN_LIMIT else dict.fromkeys(ENGINES, WHY_NO_LIMIT),
        outage_s=_FULL_FOR_S,
        unrecorded=True,
    )

    async def inject(self) -> float:
        """Let every write fail with EFBIG; return when it does."""
        at = time.monotonic()
        self._limit(0)
        return at

    def observed(self) -> Observation:
        """The process that computes can write nothing, and was at work."""
        with contextlib.suppress(ProcessLookupError):
            if resource.prlimit(self.target.pid, resource.RLIMIT_FSIZE)[0] == 0:
                return super().observed()
        return Observation(False, f"process {self.target.pid} is gone or may write")

    async def hold(self) -> None:
        """Leave the disk full."""
        await asyncio.sleep(_FULL_FOR_S)

    def heal(self) -> None:
        """Let the group write again, and what it has forked since too."""
        self._limit(None)

    def healed(self) -> bool:
        """Whether the worker runs, be it the same process or another one."""
        return not self.place.exited()

    def _limit(self, size: int | None) -> None:
        """Set the limit of each process."""
        for pid in _group(self.place.pid):
            limit_files(pid, size)


def limit_files(pid: int, size: int | None) -> None:
    """Set the soft limit, in bytes, on the files that a process writes; None lifts it to the hard
    one. A process that is gone is left alone."""
    with contextlib.suppress(ProcessLookupError):
        hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)[1]
        soft = hard if size is None else size
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (soft, hard))


def _group(leader: int) -> Iterator[int]:
    for pid in psutil.pids():
        with contextlib.suppress(ProcessLookupError):
            if os.getpgid(pid) == leader:
                yield pid
