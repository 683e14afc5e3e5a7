"""Carries out one arm's schedule of faults, each in its time, and writes down what came of it."""

import asyncio
import time
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from bench.faults.fault import NOBODY
from bench.record.history import FaultEvent, FaultPhase
from bench.scenario.soak import SoakPlan
from bench.trials.soak.arms import SoakArm
from bench.trials.soak.schedule import Strike, absent
from bench.trials.soak.strikes import Blow, Missed
from shared.domain.records import AttemptRecord

_POLL_S = 0.1
_HEAL_LIMIT_S = 60.0


@dataclass(slots=True)
class Striker:
    """One arm's. A fault that cannot exist on its engine is passed over."""

    arm: SoakArm
    plan: SoakPlan
    events: list[FaultEvent] = field(default_factory=list)

    @property
    def confirmed(self) -> int:
        """How many faults have struck so far."""
        return len(
            {e.trial for e in self.events if e.phase is FaultPhase.CONFIRMED and not e.job_id}
        )

    async def run(self, strikes: Iterable[Strike], began_s: float) -> None:
        """Return once every fault has struck and healed, or a minute after that is overdue."""
        async with asyncio.TaskGroup() as group:
            for strike in strikes:
                if absent(self.arm.stack.arm, strike) is None:
                    await asyncio.sleep(max(0.0, began_s + strike.at_s - time.monotonic()))
                    group.create_task(self._strike(strike))

    async def _strike(self, strike: Strike) -> None:
        place = self.arm.place(strike.role, strike.index)
        blow = Blow(self.arm, strike, self.plan.hold_s, place, place.pid)
        # The record of the injection is made before the strike: a strike without a record would
        # be a loss that nobody can explain.
        self._event(blow, FaultPhase.INJECTED, time.monotonic())
        try:
            await blow.inject()
            self._confirm(blow)
            await blow.hold()
        except (Missed, TimeoutError) as error:
            self._event(blow, FaultPhase.MISSED, time.monotonic(), detail=str(error))
            return
        finally:
            blow.undo()
        await self._until_healed(blow)

    def _confirm(self, blow: Blow) -> None:
        """Say what was struck: the process, and each attempt that was at work in it."""
        self._event(blow, FaultPhase.CONFIRMED, blow.struck_at, detail=blow.detail)
        for number, records in enumerate(blow.victims, start=1):
            newest = [record for record in records if record.mono_s <= blow.struck_at][-1:]
            for record in newest:
                self._event(blow, FaultPhase.INJECTED, blow.struck_at, hit=record, part=number)
                self._event(blow, FaultPhase.CONFIRMED, blow.struck_at, hit=record, part=number)

    async def _until_healed(self, blow: Blow) -> None:
        give_up_at = time.monotonic() + _HEAL_LIMIT_S
        while time.monotonic() < give_up_at:
            if blow.healed():
                self._event(blow, FaultPhase.HEALED, time.monotonic())
                return
            await asyncio.sleep(_POLL_S)

    def _event(
        self,
        blow: Blow,
        phase: FaultPhase,
        mono_s: float,
        *,
        hit: AttemptRecord = NOBODY,
        part: int | None = None,
        detail: str = "",
    ) -> None:
        event = FaultEvent.of(
            hit,
            trial=trial_of(self.arm.cell, blow.strike, part),
            cell=self.arm.cell,
            fault=blow.strike.fault,
            phase=phase,
            mono_s=mono_s,
            detail=detail,
        )
        if hit is NOBODY:
            event = replace(event, worker=blow.place.spec.name, pid=blow.pid)
        self.events.append(event)


def trial_of(cell: str, strike: Strike, part: int | None = None) -> str:
    """Name a strike: `soak/celery/hardened#12:gpu`, or `...#12:gpu/1` for an attempt that it hit.

    The role is part of the name, so that a history can be judged without the scenario.
    """
    name = f"{cell}#{strike.number}:{strike.role}"
    return name if part is None else f"{name}/{part}"
