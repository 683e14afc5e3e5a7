"""Runs the trials of one cell on one arm: wait for a target, strike, confirm, wait for the heal."""

import asyncio
import random
import time
from dataclasses import dataclass, field

from bench.faults.carrying_out import FaultLog
from bench.faults.fault import NOBODY, Fault, FaultContext
from bench.faults.target import Aim, find_target
from shared.domain.records import AttemptRecord
from shared.domain.status import RecordKind

_DONE = (RecordKind.FINISHED, RecordKind.REPLAYED)
_POLL_S = 0.02
_RECOVERY_BUDGETS = 6
"""How many detection budgets after the heal a recovery is waited for."""


@dataclass(slots=True)
class Injector:
    """Strikes one arm; never more than half of its GPU workers at once."""

    context: FaultContext
    fault: type[Fault]
    at: tuple[float, float]
    rng: random.Random
    since_mono_s: float
    give_up_mono_s: float
    at_once: asyncio.Semaphore
    """Shared by all arms of a cell: how many faults may be under way at the same time."""
    log: FaultLog = field(init=False)
    _struck: set[str] = field(default_factory=set)
    _down: set[str] = field(default_factory=set)
    _trials: int = 0
    _turns: asyncio.Semaphore = field(init=False)

    def __post_init__(self) -> None:
        self.log = FaultLog(self.context.cell)
        gpu_workers = sum(place.spec.role == "gpu" for place in self.context.stack.workers)
        together = 1 if self.fault.facts.whole_arm else max(1, gpu_workers // 2)
        self._turns = asyncio.Semaphore(together)

    async def trial(self) -> None:
        """Run one trial.

        Trials of one arm that wait for each other do so here: half of the arm's workers stay up,
        so that what is measured is recovery and not the lack of workers.
        """
        async with self._turns:
            target = await self._next_target()
            if target is None:
                return
            self._trials += 1
            self._struck.add(target.job_id)
            self._down.add(target.worker)
            fault = self.fault(self.context, target)
            try:
                done = await self.log.carry_out(fault, f"{self.context.cell}#{self._trials}")
            finally:
                self._down.discard(target.worker)
                self.at_once.release()
            if done and self.fault.facts.whole_arm:
                await self._until_recovered(fault)
                # The next trial is about jobs that this one has not disturbed.
                self.since_mono_s = time.monotonic()

    async def _next_target(self) -> AttemptRecord | None:
        """Return whom to strike, with one place of `at_once` taken for it; None if time is up."""
        if self.fault.facts.aimed:
            return await self._wait_for_target(self._aim())
        try:
            async with asyncio.timeout(self.give_up_mono_s - time.monotonic()):
                await self.at_once.acquire()
        except TimeoutError:
            return None
        return NOBODY

    def _aim(self) -> Aim:
        facts = self.fault.facts
        share = self.rng.uniform(*self.at)
        return Aim(facts.step, share, beside_another=facts.beside_another)

    async def _until_recovered(self, fault: Fault) -> None:
        """Wait until the struck step is done, or will not be so soon.

        The arm's next fault strikes this job as well, and its recovery would be that of both.
        """
        if not fault.facts.aimed:
            return
        give_up_at = time.monotonic() + _RECOVERY_BUDGETS * self.context.detection_budget_s
        while time.monotonic() < give_up_at and not self._recovered(fault):
            await asyncio.sleep(_POLL_S)

    def _recovered(self, fault: Fault) -> bool:
        target = fault.target
        return any(
            (records[0].job_id, records[0].step) == (target.job_id, target.step)
            and records[-1].kind in _DONE
            for records in self.context.tail.by_attempt.values()
        )

    async def _wait_for_target(self, aim: Aim) -> AttemptRecord | None:
        """Return a target, with one place of `at_once` taken for it; None if time is up."""
        while time.monotonic() < self.give_up_mono_s:
            target = find_target(
                self.context.tail,
                aim,
                since_mono_s=self.since_mono_s,
                spared_jobs=self._struck,
                spared_workers=self._down,
            )
            alive = target is not None and not self.context.stack.place(target.worker).exited()
            if alive and not self.at_once.locked():
                await self.at_once.acquire()
                return target
            await asyncio.sleep(_POLL_S)
        return None
