"""Carries out one fault after another on an arm, and writes down what came of each."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial

from bench.faults.fault import Fault, NotStruck
from bench.record.history import FaultEvent, FaultPhase
from shared.domain.records import AttemptRecord

_POLL_S = 0.02
_HEAL_LIMIT_S = 60.0


@dataclass(slots=True)
class FaultLog:
    """The faults of one arm in one cell, by their events."""

    cell: str
    events: list[FaultEvent] = field(default_factory=list)

    @property
    def confirmed(self) -> int:
        """How many faults were seen to strike so far."""
        return sum(e.phase is FaultPhase.CONFIRMED and not e.part_of for e in self.events)

    async def carry_out(self, fault: Fault, trial: str, role: str = "") -> bool:
        """Strike, confirm, hold, heal, and wait for the heal; whether it could be carried out."""
        event = partial(self._event, trial=trial, fault=fault.facts.name, role=role)
        # The record of the injection is made before the strike: a strike without a record would
        # be a loss that nobody can explain.
        event(fault.target, FaultPhase.INJECTED, time.monotonic())
        try:
            await fault.strike()
            self._confirm(fault, event)
            await fault.hold()
        except (NotStruck, TimeoutError) as error:
            event(fault.target, FaultPhase.MISSED, time.monotonic(), detail=str(error))
            return False
        finally:
            fault.heal()
        give_up_at = time.monotonic() + _HEAL_LIMIT_S
        while time.monotonic() < give_up_at:
            if fault.healed():
                event(fault.target, FaultPhase.HEALED, time.monotonic())
                break
            await asyncio.sleep(_POLL_S)
        return True

    def _confirm(self, fault: Fault, event: "partial[None]") -> None:
        """Say what was struck: the attempt; or the process, and each attempt at work in it."""
        hit, struck_at, seen = fault.target, fault.struck_at, fault.observed()
        if not seen.struck:
            event(hit, FaultPhase.MISSED, struck_at, detail=seen.detail)
            return
        if fault.facts.aimed and hit.attempt_id:
            hit = _newest(fault.context.tail.by_attempt[hit.attempt_id], struck_at)
        event(hit, FaultPhase.CONFIRMED, struck_at, detail=seen.detail)
        trial = event.keywords["trial"]
        for number, records in enumerate(fault.at_work, start=1):
            for phase in (FaultPhase.INJECTED, FaultPhase.CONFIRMED):
                newest = _newest(records, struck_at)
                event(newest, phase, struck_at, trial=f"{trial}/{number}", part_of=trial)

    def _event(self, hit: AttemptRecord, phase: FaultPhase, mono_s: float, **facts: str) -> None:
        event = FaultEvent.of(hit, phase=phase, mono_s=mono_s, cell=self.cell, **facts)
        self.events.append(event)


def _newest(records: Sequence[AttemptRecord], until_s: float) -> AttemptRecord:
    return [record for record in records if record.mono_s <= until_s][-1]
