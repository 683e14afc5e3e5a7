"""Attempts as the ledger tells them, and the moment at which each of them ended."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from bench.checkers.faults import Fault
from bench.record.history import ProcessEvent
from shared.domain.records import AttemptRecord
from shared.domain.status import RecordKind

PROCESS_EXIT = "exit"
"""`ProcessEvent.phase` of a process that is gone."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One execution of a step by one worker: its records by time, at least one, and its end.

    It runs from WORKING to `ended_s`; waiting for the step's lease before that costs no device
    time and overlaps with nothing.
    """

    records: tuple[AttemptRecord, ...]
    ended_s: float

    @property
    def id(self) -> str:
        return self.records[0].attempt_id

    @property
    def started_s(self) -> float:
        return self.records[0].mono_s

    @property
    def working_s(self) -> float | None:
        """When it began to compute, None if it never did."""
        return self._first(RecordKind.WORKING)

    @property
    def finished_s(self) -> float | None:
        """When its result was committed, None if it never was."""
        return self._first(RecordKind.FINISHED)

    @property
    def ending(self) -> RecordKind | None:
        """How it ended by its own account, None if it was cut off or still runs."""
        return next((record.kind for record in self.records if record.kind.ends_attempt), None)

    @property
    def points(self) -> list[tuple[float, int]]:
        """`(mono_s, done)` of its progress."""
        return [(r.mono_s, r.done) for r in self.records if r.kind is RecordKind.PROGRESS]

    @property
    def start_point(self) -> int:
        """The progress from which it went on: 0 for a fresh start.

        A step's first report is where it starts from (the workload's `steps.py`).
        """
        for record in self.records:
            if record.kind is RecordKind.PROGRESS or (
                record.kind is RecordKind.WORKING and record.total
            ):
                return record.done
        return 0

    @property
    def reached(self) -> int:
        """The furthest progress it reported."""
        return max(record.done for record in self.records)

    @property
    def total(self) -> int:
        """The length of the step in its own unit of progress, 0 if it reports none."""
        return max(record.total for record in self.records)

    @property
    def executed(self) -> bool:
        """Whether it got work done: it finished, or went on from where it started."""
        return self.finished_s is not None or self.reached > self.start_point

    def _first(self, kind: RecordKind) -> float | None:
        return next((record.mono_s for record in self.records if record.kind is kind), None)


def build_attempts(
    records: Iterable[AttemptRecord],
    arm: str,
    faults: Sequence[Fault],
    processes: Sequence[ProcessEvent],
) -> list[Attempt]:
    """Group one arm's records by `attempt_id`; attempts come in the order of their start."""
    by_id: dict[str, list[AttemptRecord]] = defaultdict(list)
    for record in sorted(records, key=lambda record: (record.mono_s, record.seq)):
        by_id[record.attempt_id].append(record)
    exits = [event for event in processes if event.phase == PROCESS_EXIT]
    return [Attempt(tuple(group), _end(group, arm, faults, exits)) for group in by_id.values()]


def _end(
    records: Sequence[AttemptRecord],
    arm: str,
    faults: Sequence[Fault],
    exits: Sequence[ProcessEvent],
) -> float:
    """The ending record; else the kill or the exit that cut it off; else the last record."""
    for record in records:
        if record.kind.ends_attempt:
            return record.mono_s
    last = records[-1]
    hits = [fault for fault in faults if _struck(fault, last)]
    cut_off_s = [fault.mono_s for fault in hits if fault.cuts_off]
    if cut_off_s:
        # A record can still slip in between the time stamp of the kill and the kill.
        return max(min(cut_off_s), last.mono_s)
    # A prefork child's pid is not that of the process that the bench started, so a worker that
    # a fault struck is also known by its name. Without a fault a name proves nothing: the child
    # may have died alone, long before.
    gone_s = [
        event.mono_s
        for event in exits
        if event.mono_s >= last.mono_s
        and (event.pid == last.pid or (hits and (event.arm, event.name) == (arm, last.worker)))
    ]
    if gone_s:
        return min(gone_s)
    return max([last.mono_s, *(fault.mono_s for fault in hits)])


def _struck(fault: Fault, last: AttemptRecord) -> bool:
    if fault.attempt_id == last.attempt_id:
        return True
    same_process = (fault.worker, fault.pid) == (last.worker, last.pid)
    return same_process and last.mono_s <= fault.mono_s
