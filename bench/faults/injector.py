"""Runs the trials of one cell on one arm: wait for a target, strike, confirm, wait for the heal."""

import asyncio
import random
import time
from dataclasses import dataclass, field

from bench.faults.fault import NOBODY, Fault, Ground
from bench.faults.target import Aim, find_target
from bench.record.history import FaultEvent, FaultPhase
from shared.domain.records import AttemptRecord
from shared.domain.status import RecordKind

_DONE = (RecordKind.FINISHED, RecordKind.REPLAYED)
_POLL_S = 0.02
_HEAL_LIMIT_S = 60.0
_RECOVERY_BUDGETS = 6
"""How many detection budgets after the heal a recovery is waited for."""


@dataclass(slots=True)
class Injector:
    """Strikes one arm; never more than half of its GPU workers at once."""

    ground: Ground
    fault: type[Fault]
    at: tuple[float, float]
    rng: random.Random
    since_mono_s: float
    give_up_mono_s: float
    at_once: asyncio.Semaphore
    """Shared by all arms of a cell: how many faults may be under way at the same time."""
    events: list[FaultEvent] = field(default_factory=list)
    _struck: set[str] = field(default_factory=set)
    _down: set[str] = field(default_factory=set)
    _trials: int = 0
    _turns: asyncio.Semaphore = field(init=False)

    def __post_init__(self) -> None:
        gpu_workers = sum(place.spec.role == "gpu" for place in self.ground.stack.workers)
        together = 1 if self.fault.facts.whole_arm else max(1, gpu_workers // 2)
        self._turns = asyncio.Semaphore(together)

    @property
    def confirmed(self) -> int:
        """How many faults were seen to strike so far."""
        return sum(event.phase is FaultPhase.CONFIRMED for event in self.events)

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
            try:
                fault = await self._strike(f"{self.ground.cell}#{self._trials}", target)
            finally:
                self._down.discard(target.worker)
                self.at_once.release()
            if fault is not None and self.fault.facts.whole_arm:
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

    async def _strike(self, trial: str, target: AttemptRecord) -> Fault | None:
        """Strike, confirm and heal; return the fault, None if it could not be carried out."""
        self._struck.add(target.job_id)
        self._down.add(target.worker)
        fault = self.fault(self.ground, target)
        # The record of the injection is made before the strike: a strike without a record would
        # be a loss that nobody can explain.
        self._event(FaultPhase.INJECTED, trial, target, time.monotonic())
        try:
            await fault.strike()
            self._confirm(fault, trial)
            await fault.hold()
        except TimeoutError as error:
            self._event(FaultPhase.MISSED, trial, fault.target, time.monotonic(), str(error))
            return None
        finally:
            fault.heal()
        await self._until_healed(fault, trial)
        return fault

    def _confirm(self, fault: Fault, trial: str) -> None:
        target, struck_at = fault.target, fault.struck_at
        seen = fault.observed()
        if not seen.struck:
            self._event(FaultPhase.MISSED, trial, target, struck_at, seen.detail)
            return
        if fault.facts.aimed:
            records = self.ground.tail.by_attempt[target.attempt_id]
            target = [record for record in records if record.mono_s <= struck_at][-1]
        self._event(FaultPhase.CONFIRMED, trial, target, struck_at, seen.detail)

    async def _until_healed(self, fault: Fault, trial: str) -> None:
        give_up_at = time.monotonic() + _HEAL_LIMIT_S
        while time.monotonic() < give_up_at:
            if fault.healed():
                self._event(FaultPhase.HEALED, trial, fault.target, time.monotonic())
                return
            await asyncio.sleep(_POLL_S)

    async def _until_recovered(self, fault: Fault) -> None:
        """Wait until the struck step is done, or will not be so soon.

        The arm's next fault strikes this job as well, and its recovery would be that of both.
        """
        if not fault.facts.aimed:
            return
        give_up_at = time.monotonic() + _RECOVERY_BUDGETS * self.ground.detection_budget_s
        while time.monotonic() < give_up_at and not self._recovered(fault):
            await asyncio.sleep(_POLL_S)

    def _recovered(self, fault: Fault) -> bool:
        target = fault.target
        return any(
            (records[0].job_id, records[0].step) == (target.job_id, target.step)
            and records[-1].kind in _DONE
            for records in self.ground.tail.by_attempt.values()
        )

    async def _wait_for_target(self, aim: Aim) -> AttemptRecord | None:
        """Return a target, with one place of `at_once` taken for it; None if time is up."""
        while time.monotonic() < self.give_up_mono_s:
            target = find_target(
                self.ground.tail,
                aim,
                since_mono_s=self.since_mono_s,
                spared_jobs=self._struck,
                spared_workers=self._down,
            )
            alive = target is not None and not self.ground.stack.place(target.worker).exited()
            if alive and not self.at_once.locked():
                await self.at_once.acquire()
                return target
            await asyncio.sleep(_POLL_S)
        return None

    def _event(
        self, phase: FaultPhase, trial: str, hit: AttemptRecord, mono_s: float, detail: str = ""
    ) -> None:
        self.events.append(
            FaultEvent.of(
                hit,
                trial=trial,
                cell=self.ground.cell,
                fault=self.fault.facts.name,
                phase=phase,
                mono_s=mono_s,
                detail=detail,
            )
        )
