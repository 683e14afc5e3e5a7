"""The wall clock of one worker steps forward, as when a machine's time is set in mid-flight."""

import asyncio
import math
import time
from itertools import takewhile
from pathlib import Path

from bench.arms.clock import clock_file, library, set_clock
from bench.arms.engines import ENGINES
from bench.faults.fault import Facts, Fault
from shared.domain.impact import Impact
from shared.domain.records import AttemptRecord

_AHEAD_S = 3600.0
_SEEN_WITHIN_S = 5.0
_FOR_S = 15.0
_POLL_S = 0.02
_WHY_NOT = (
    "a process's clock is set by libfaketime, and this system has none that fits: install the"
    " package libfaketime on Linux on x86-64"
)


class ClockStep(Fault):
    """The worker's wall clock is an hour ahead for a while; its monotonic clock is untouched."""

    facts = Facts(
        name="clock-step",
        impact=Impact.SLOWED,
        row=None,
        title="Wall clock of a worker steps an hour forward",
        role="clock of a GPU worker",
        moment="generate_image at 10-40 %",
        heals_by="the clock is set right after 15 s",
        at=(0.1, 0.4),
        absent={} if library() else dict.fromkeys(ENGINES, _WHY_NOT),
        own_clocks=True,
        # A worker with a clock ahead may take up what runs on any other.
        whole_arm=True,
    )
    _set_right_at = math.inf

    async def inject(self) -> float:
        """Set the clock; return the moment of the first record that shows it."""
        asked_at = time.monotonic()
        set_clock(self._file, _AHEAD_S)
        records = self.context.tail.by_attempt[self.target.attempt_id]
        while time.monotonic() < asked_at + _SEEN_WITHIN_S:
            for record in records:
                if record.mono_s > asked_at and _is_ahead(record):
                    return record.mono_s
            await asyncio.sleep(_POLL_S)
        raise TimeoutError(f"no record of the attempt was ahead within {_SEEN_WITHIN_S:g} s")

    async def hold(self) -> None:
        """Leave the clock ahead."""
        await asyncio.sleep(_FOR_S)

    def heal(self) -> None:
        """Set it right."""
        set_clock(self._file, 0.0)
        self._set_right_at = time.monotonic()

    def healed(self) -> bool:
        """Whether a record that the worker made since then shows its clock right."""
        since = takewhile(
            lambda record: record.mono_s > self._set_right_at, reversed(self.context.tail.records)
        )
        return any(
            record.worker == self.target.worker and not _is_ahead(record) for record in since
        )

    @property
    def _file(self) -> Path:
        return clock_file(self.context.stack.folder, self.target.worker)


def _is_ahead(record: AttemptRecord) -> bool:
    """Whether a record was made by a clock that is not this process's."""
    return record.wall_s - record.mono_s - (time.time() - time.monotonic()) > _AHEAD_S / 2
