"""Joins each trial with its job's attempts and effects, ready to be drawn."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace

from bench.checkers.attempts import Attempt
from bench.checkers.by_job import CellHistory, JobHistory
from bench.record.metrics import Trial
from bench.record.timeline import CUT_OFF, OPEN, AttemptRow, EffectTick, Phase, Stretch, Timeline
from shared.domain.records import EffectRecord


def build_timelines(cell: CellHistory, trials: Iterable[Trial]) -> list[Timeline]:
    """Join each trial with its job's attempts and effects, in the order of the faults."""
    jobs = {job.job_id: job for job in cell.every_job}
    return [
        _timeline(trial, jobs.get(trial.job_id, JobHistory(trial.job_id)), cell)
        for trial in sorted(trials, key=lambda trial: trial.fault_mono_s)
    ]


def _timeline(trial: Trial, job: JobHistory, cell: CellHistory) -> Timeline:
    faults = [fault for fault in cell.faults if fault.job_id == trial.job_id and fault.injected]
    targets = {fault.attempt_id for fault in faults}
    zero = trial.fault_mono_s
    rows = [
        row
        for step, attempts in job.steps.items()
        for row in _rows(attempts, targets, zero, hit=step == trial.step)
    ]
    return Timeline(
        trial.trial,
        sorted(rows, key=lambda row: row.start_s),
        _ticks(job.effects, zero),
        [fault.mono_s - zero for fault in faults],
    )


def _rows(
    attempts: Sequence[Attempt], targets: set[str], zero: float, *, hit: bool
) -> list[AttemptRow]:
    rows: list[AttemptRow] = []
    reached = 0
    finished = False
    answered = not hit
    for attempt in attempts:
        row = _row(attempt, targets, zero, reached, repeat=finished)
        if not answered and row.start_s > 0:
            row = replace(row, waited_s=row.start_s)
            answered = True
        rows.append(row)
        reached = max(reached, attempt.reached)
        finished = finished or attempt.finished_s is not None
    return rows


def _row(
    attempt: Attempt, targets: set[str], zero: float, reached: int, *, repeat: bool
) -> AttemptRow:
    first, last = attempt.records[0], attempt.records[-1]
    cut_off = attempt.ended_s > last.mono_s or attempt.id in targets
    return AttemptRow(
        first.step,
        first.attempt,
        first.worker,
        list(_stretches(attempt, zero, reached, repeat=repeat)),
        str(attempt.ending or (CUT_OFF if cut_off else OPEN)),
        f"{attempt.reached}/{attempt.total}" if attempt.total else "",
        attempt.start_point if reached and attempt.working_s is not None else None,
    )


def _stretches(attempt: Attempt, zero: float, reached: int, *, repeat: bool) -> Iterable[Stretch]:
    start, end, work = attempt.started_s - zero, attempt.ended_s - zero, attempt.working_s
    if work is None:
        yield Stretch(start, end, Phase.WAIT)
        return
    work -= zero
    if work > start:
        yield Stretch(start, work, Phase.WAIT)
    if repeat and attempt.finished_s is not None:
        yield Stretch(work, end, Phase.DUPLICATE)
        return
    if attempt.start_point < reached:
        # Until the first report beyond the point that was reached before.
        past = next((at - zero for at, done in attempt.points if done > reached), end)
        yield Stretch(work, past, Phase.REDONE)
        work = past
    yield Stretch(work, end, Phase.WORK)


def _ticks(effects: Sequence[EffectRecord], zero: float) -> list[EffectTick]:
    applied: dict[str, int] = defaultdict(int)
    ticks = []
    for record in effects:
        repeat = applied[record.effect] > 0
        ticks.append(EffectTick(record.mono_s - zero, record.effect, record.applied, repeat))
        applied[record.effect] += record.applied
    return ticks
