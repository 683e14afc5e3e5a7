"""Runs the trials of one cell on one arm: wait for a target, strike, confirm, wait for the heal."""

import asyncio
import random
import time
from dataclasses import dataclass, field

from bench.chaos.faults import WorkerFault
from bench.chaos.ledger_tail import LedgerTail
from bench.chaos.target import Aim, find_target
from bench.history import FaultEvent, FaultPhase
from bench.topology import Stack
from shared.domain.records import AttemptRecord
from shared.policy import GENERATE_IMAGE

_POLL_S = 0.02
_HEAL_LIMIT_S = 60.0


@dataclass(slots=True)
class Injector:
    """Strikes one arm's GPU workers, at most half of them at once."""

    cell: str
    stack: Stack
    tail: LedgerTail
    fault: WorkerFault
    at: tuple[float, float]
    rng: random.Random
    since_mono_s: float
    give_up_mono_s: float
    at_once: asyncio.Semaphore
    """Shared by all arms of a cell: how many workers may be down at the same time."""
    events: list[FaultEvent] = field(default_factory=list)
    _struck: set[str] = field(default_factory=set)
    _down: set[str] = field(default_factory=set)
    _trials: int = 0
    _turns: asyncio.Semaphore = field(init=False)

    def __post_init__(self) -> None:
        gpu_workers = sum(place.spec.role == "gpu" for place in self.stack.workers)
        self._turns = asyncio.Semaphore(max(1, gpu_workers // 2))

    @property
    def confirmed(self) -> int:
        """How many faults the ledger has confirmed so far."""
        return sum(event.phase is FaultPhase.CONFIRMED for event in self.events)

    async def trial(self) -> None:
        """Run one trial.

        Trials of one arm that wait for each other do so here: half of the arm's workers stay up,
        so that what is measured is recovery and not the lack of workers.
        """
        async with self._turns:
            aim = Aim(GENERATE_IMAGE, self.rng.uniform(*self.at))
            target = await self._wait_for_target(aim)
            if target is None:
                return
            self._trials += 1
            try:
                await self._strike(f"{self.cell}#{self._trials}", target)
            finally:
                self._down.discard(target.worker)
                self.at_once.release()

    async def _strike(self, trial: str, target: AttemptRecord) -> None:
        self._struck.add(target.job_id)
        self._down.add(target.worker)
        place = self.stack.gpu_worker(target.worker)
        loads_before = len(self._loads(target.worker))
        # The record of the injection is made before the strike: a strike without a record would
        # be a loss that nobody can explain.
        self._event(FaultPhase.INJECTED, trial, target, time.monotonic())
        try:
            struck_at = await self.fault.strike(place)
        except TimeoutError as error:
            self._event(FaultPhase.MISSED, trial, target, time.monotonic(), str(error))
            return
        self._confirm(trial, target, struck_at)
        await self._wait_for_heal(trial, target, loads_before)

    async def _wait_for_target(self, aim: Aim) -> AttemptRecord | None:
        """Return a target, with one place of `at_once` taken for it; None if time is up."""
        while time.monotonic() < self.give_up_mono_s:
            target = find_target(
                self.tail,
                aim,
                since_mono_s=self.since_mono_s,
                spared_jobs=self._struck,
                spared_workers=self._down,
            )
            alive = target is not None and not self.stack.gpu_worker(target.worker).exited()
            if alive and not self.at_once.locked():
                await self.at_once.acquire()
                return target
            await asyncio.sleep(_POLL_S)
        return None

    def _confirm(self, trial: str, target: AttemptRecord, struck_at: float) -> None:
        """Confirm from the ledger that the attempt was computing when the signal was sent."""
        self.tail.refresh()
        records = self.tail.by_attempt[target.attempt_id]
        before = [record for record in records if record.mono_s <= struck_at]
        ended_before = any(record.kind.ends_attempt for record in before)
        # The kernel delivers SIGKILL at once, so a record made later shows that it went elsewhere.
        survived = self.fault.name == "sigkill" and len(records) > len(before) + 1
        if ended_before or survived or not before:
            self._event(FaultPhase.MISSED, trial, target, struck_at, "the attempt was not hit")
        else:
            self._event(FaultPhase.CONFIRMED, trial, before[-1], struck_at)

    async def _wait_for_heal(self, trial: str, target: AttemptRecord, loads_before: int) -> None:
        give_up_at = time.monotonic() + _HEAL_LIMIT_S
        while time.monotonic() < give_up_at:
            if len(self._loads(target.worker)) > loads_before:
                self._event(FaultPhase.HEALED, trial, target, time.monotonic())
                return
            await asyncio.sleep(_POLL_S)

    def _loads(self, worker: str) -> list[AttemptRecord]:
        return [record for record in self.tail.model_loads if record.worker == worker]

    def _event(
        self, phase: FaultPhase, trial: str, hit: AttemptRecord, mono_s: float, detail: str = ""
    ) -> None:
        self.events.append(
            FaultEvent(
                trial=trial,
                cell=self.cell,
                fault=self.fault.name,
                phase=phase,
                job_id=hit.job_id,
                step=hit.step,
                attempt_id=hit.attempt_id,
                worker=hit.worker,
                pid=hit.pid,
                wall_s=time.time() - (time.monotonic() - mono_s),
                mono_s=mono_s,
                done=hit.done,
                total=hit.total,
                detail=detail,
            )
        )
