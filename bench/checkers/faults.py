"""One fault from its events: when it struck, what it struck, and whether it was seen to hit."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from bench.faults.registry import facts_of
from bench.record.history import FaultEvent, FaultPhase

SIGKILL = "sigkill"


@dataclass(frozen=True, slots=True)
class Fault:
    """The events of one trial, merged. `mono_s` is the moment of the injection.

    A fault that aims at no attempt has neither step, attempt nor worker. It may do much before it
    strikes, so its moment is that of the strike where there was one.
    """

    trial: str
    cell: str
    fault: str
    job_id: str
    step: str
    attempt_id: str
    worker: str
    pid: int
    mono_s: float
    done: int
    total: int
    phases: frozenset[FaultPhase]
    role: str = ""
    """The role of the process that was struck whatever it was doing."""
    part_of: str = ""
    """The trial of the process in which this attempt was at work when it was struck."""

    @property
    def kills(self) -> bool:
        """Whether the strike ends the attempt that it hits in the same instant."""
        return facts_of(self.fault).kills

    @property
    def cuts_off(self) -> bool:
        """Whether the attempt that it hit is over if no record says how it ended."""
        return self.kills or facts_of(self.fault).unrecorded

    @property
    def aimed(self) -> bool:
        """Whether it struck an attempt; else it is about a job as a whole."""
        return bool(self.attempt_id)

    @property
    def injected(self) -> bool:
        """Whether it was carried out at all; a target that was never found is only missed."""
        return bool(self.phases - {FaultPhase.MISSED})

    @property
    def reported_hit(self) -> bool:
        """Whether the injector saw it hit; `recovery` asks the ledger as well."""
        return FaultPhase.CONFIRMED in self.phases and FaultPhase.MISSED not in self.phases


_ORDER = (FaultPhase.INJECTED, FaultPhase.CONFIRMED, FaultPhase.MISSED, FaultPhase.HEALED)


def merge_faults(events: Iterable[FaultEvent]) -> list[Fault]:
    """Merge the events of each trial; faults come in the order in which they struck."""
    by_trial: dict[tuple[str, str], list[FaultEvent]] = defaultdict(list)
    for event in events:
        by_trial[event.cell, event.trial].append(event)
    faults = [_merge(group) for group in by_trial.values()]
    return sorted(faults, key=lambda fault: fault.mono_s)


def _merge(events: list[FaultEvent]) -> Fault:
    # A fault that submits its own job learns the job's id on the way.
    job_ids = [event.job_id for event in events if event.job_id]
    first = min(events, key=lambda event: (_ORDER.index(event.phase), event.mono_s))
    struck = [event.mono_s for event in events if event.phase is FaultPhase.CONFIRMED]
    nobody = not (first.attempt_id or first.worker)
    return Fault(
        trial=first.trial,
        cell=first.cell,
        fault=first.fault,
        job_id=job_ids[0] if job_ids else "",
        step=first.step,
        attempt_id=first.attempt_id,
        worker=first.worker,
        pid=first.pid,
        mono_s=struck[0] if struck and nobody else first.mono_s,
        done=first.done,
        total=first.total,
        phases=frozenset(event.phase for event in events),
        role=first.role,
        part_of=first.part_of,
    )
