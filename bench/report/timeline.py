"""What became of each faulted job, attempt by attempt, ready to be drawn. Seconds from the fault."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from bench.history import FaultEvent, FaultPhase, History
from bench.metrics import Bucket, Trial
from shared.domain.records import AttemptRecord, EffectRecord
from shared.domain.status import RecordKind


class Phase(StrEnum):
    """What an attempt did in one stretch of time."""

    WAIT = "wait"
    """It had the step but not yet the right to compute: another attempt held the lease."""
    WORK = "work"
    REDONE = "redone"
    """It repeated progress that an earlier attempt had made."""
    DUPLICATE = "duplicate"
    """It finished work that an earlier attempt had finished."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """One shaded part of a row."""

    start_s: float
    end_s: float
    phase: Phase


@dataclass(frozen=True, slots=True)
class AttemptRow:
    """One attempt. `progress` is the last `done/total` of a step that reports any.

    `end` is how it ended: a record kind, `killed`, or `open` if nothing more was recorded.
    `waited_s` is how long after the fault it began, on the first attempt that took up a hit step.
    """

    step: str
    attempt: int
    worker: str
    stretches: list[Stretch]
    end: str
    progress: str
    resumed_from: int | None = None
    waited_s: float | None = None

    @property
    def start_s(self) -> float:
        """When the worker took the step."""
        return self.stretches[0].start_s

    @property
    def end_s(self) -> float:
        """When it was last heard of."""
        return self.stretches[-1].end_s


@dataclass(frozen=True, slots=True)
class EffectTick:
    """One call at the effect sink; `repeat` if the same effect had been applied before."""

    at_s: float
    effect: str
    applied: bool
    repeat: bool


@dataclass(frozen=True, slots=True)
class JobTimeline:
    """One trial: its rows in order of time, its effects, and the faults of its job."""

    trial: Trial
    rows: list[AttemptRow]
    effects: list[EffectTick]
    faults_s: list[float]

    @property
    def span_s(self) -> tuple[float, float]:
        """From the first record to the last, the fault included."""
        times = [0.0, *self.faults_s, *(tick.at_s for tick in self.effects)]
        times += [edge for row in self.rows for edge in (row.start_s, row.end_s)]
        return min(times), max(times)

    @property
    def never_again(self) -> bool:
        """Whether no attempt took up the hit step."""
        return self.trial.confirmed and self.trial.recovery_s is None

    @property
    def ended_well(self) -> bool:
        """Whether the job completed all the same."""
        return self.trial.bucket is Bucket.COMPLETED


def build_timelines(history: History, trials: Iterable[Trial]) -> list[JobTimeline]:
    """Join each trial with the records of its job, in the order of the faults."""
    attempts: dict[str, list[AttemptRecord]] = defaultdict(list)
    effects: dict[str, list[EffectRecord]] = defaultdict(list)
    faults: dict[str, list[FaultEvent]] = defaultdict(list)
    for record in history.attempts:
        attempts[record.job_id].append(record)
    for effect in history.effects:
        effects[effect.job_id].append(effect)
    for fault in history.faults:
        if fault.phase is FaultPhase.INJECTED:
            faults[fault.job_id].append(fault)
    return [
        JobTimeline(
            trial,
            _rows(trial, attempts[trial.job_id], faults[trial.job_id]),
            _ticks(trial, effects[trial.job_id]),
            [fault.mono_s - trial.fault_mono_s for fault in faults[trial.job_id]],
        )
        for trial in sorted(trials, key=lambda trial: trial.fault_mono_s)
    ]


def _rows(
    trial: Trial, records: Sequence[AttemptRecord], faults: Sequence[FaultEvent]
) -> list[AttemptRow]:
    by_attempt: dict[str, list[AttemptRecord]] = defaultdict(list)
    for record in sorted(records, key=lambda record: record.mono_s):
        by_attempt[record.attempt_id].append(record)
    reached: dict[str, int] = defaultdict(int)
    finished: set[str] = set()
    rows: list[AttemptRow] = []
    answered = False
    for own in by_attempt.values():
        step = own[0].step
        row = _row(trial, own, faults, reached[step], repeat=step in finished)
        if not answered and step == trial.step and row.start_s > 0:
            row = _with_wait(row)
            answered = True
        rows.append(row)
        reached[step] = max(reached[step], *(record.done for record in own))
        if own[-1].kind is RecordKind.FINISHED:
            finished.add(step)
    return rows


def _with_wait(row: AttemptRow) -> AttemptRow:
    return AttemptRow(
        row.step,
        row.attempt,
        row.worker,
        row.stretches,
        row.end,
        row.progress,
        row.resumed_from,
        row.start_s,
    )


def _row(
    trial: Trial,
    own: Sequence[AttemptRecord],
    faults: Sequence[FaultEvent],
    reached: int,
    *,
    repeat: bool,
) -> AttemptRow:
    zero = trial.fault_mono_s
    last = own[-1]
    end, end_s = str(last.kind), last.mono_s - zero
    if not last.kind.ends_attempt:
        hit = next((fault for fault in faults if fault.attempt_id == last.attempt_id), None)
        end, end_s = ("killed", max(hit.mono_s - zero, end_s)) if hit else ("open", end_s)
    progress = [record for record in own if record.total > 0]
    work = next((record.mono_s - zero for record in own if record.kind is RecordKind.WORKING), None)
    first = next((record.done for record in progress), 0)
    past = next((record.mono_s - zero for record in progress if record.done > reached), end_s)
    twice = repeat and last.kind is RecordKind.FINISHED
    return AttemptRow(
        own[0].step,
        own[0].attempt,
        own[0].worker,
        _stretches(own[0].mono_s - zero, work, past if reached > first else None, end_s, twice),
        end,
        f"{progress[-1].done}/{progress[-1].total}" if progress else "",
        first if progress and reached else None,
    )


def _stretches(
    start: float, work: float | None, past: float | None, end: float, twice: bool
) -> list[Stretch]:
    if work is None:
        return [Stretch(start, end, Phase.WAIT)]
    found = [Stretch(start, work, Phase.WAIT)] if work > start else []
    if twice:
        return [*found, Stretch(work, end, Phase.DUPLICATE)]
    if past is not None and past > work:
        found.append(Stretch(work, min(past, end), Phase.REDONE))
        work = past
    if end > work or not found:
        found.append(Stretch(work, end, Phase.WORK))
    return found


def _ticks(trial: Trial, records: Sequence[EffectRecord]) -> list[EffectTick]:
    seen: set[str] = set()
    ticks = []
    for record in sorted(records, key=lambda record: record.mono_s):
        ticks.append(
            EffectTick(
                record.mono_s - trial.fault_mono_s,
                record.effect,
                record.applied,
                record.effect in seen,
            )
        )
        if record.applied:
            seen.add(record.effect)
    return ticks
