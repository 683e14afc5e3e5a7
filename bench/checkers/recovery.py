"""What became of the step and the job that each fault hit."""

from collections.abc import Iterable, Mapping, Sequence
from statistics import median

from bench.checkers.attempts import Attempt
from bench.checkers.by_job import CellHistory, JobHistory
from bench.checkers.faults import Fault
from bench.checkers.statistics import summarise
from bench.checkers.terms import Workers, recovery_terms
from bench.faults.registry import facts_of
from bench.record.metrics import MEDIAN_FROM, Bucket, Samples, Trial
from shared.domain.impact import Impact
from shared.domain.records import AttemptRecord
from shared.domain.status import RecordKind

_DONE = (RecordKind.FINISHED, RecordKind.REPLAYED)
_AT_WORK = (RecordKind.WORKING, RecordKind.PROGRESS, *_DONE)


def read_trials(
    cell: CellHistory, of_job: Mapping[str, Bucket], unfaulted_s: Sequence[float]
) -> list[Trial]:
    """Return the cell's trials in the order of their faults.

    `unfaulted_s` are the completion times that the penalty is measured against.
    """
    jobs = {job.job_id: job for job in cell.every_job}
    workers = Workers(cell)
    return [
        _trial(fault, jobs.get(fault.job_id), cell, workers, of_job, unfaulted_s)
        for fault in cell.faults
    ]


def recovery_samples(trials: Iterable[Trial]) -> tuple[Samples, Samples, Samples, Samples]:
    """Return handing out, recovery, resumption and completion penalty of the confirmed trials.

    A trial that never got there is censored. One whose attempt finished all the same has nothing
    to recover: it counts in the penalty only. One without an attempt to recover counts in none.
    """
    confirmed = [trial for trial in trials if trial.confirmed and not trial.nothing_to_recover]
    cut_off = [trial for trial in confirmed if trial.cut_off]
    return (
        _samples([trial.handed_out_s for trial in cut_off]),
        _samples([trial.recovery_s for trial in cut_off]),
        _samples([trial.resumption_s for trial in cut_off]),
        _samples([trial.completion_penalty_s for trial in confirmed]),
    )


def completion_times(cells: Iterable[CellHistory], of_job: Mapping[str, Bucket]) -> list[float]:
    """Return the seconds from accept to completion of the completed jobs that no fault hit."""
    times = []
    for cell in cells:
        hit = {fault.job_id for fault in cell.faults}
        times += [
            seconds
            for job in cell.every_job
            if job.job_id not in hit
            and of_job.get(job.job_id) is Bucket.COMPLETED
            and (seconds := _completion_s(job)) is not None
        ]
    return times


def hit_running_step(fault: Fault, hit: Attempt | None) -> bool:
    """Whether the ledger shows that the fault struck the attempt at work, and killed it if it must.

    The injector's own word is not enough: a kill whose victim ends by its own account missed. A
    fault that aims at no attempt has nobody else to ask: what it did is among the client's
    operations.
    """
    if not fault.aimed:
        return fault.reported_hit
    if not fault.reported_hit or hit is None or hit.working_s is None:
        return False
    if hit.working_s > fault.mono_s:
        return False
    if hit.ending is None:
        return True
    return not fault.kills and hit.ended_s >= fault.mono_s


def _trial(
    fault: Fault,
    job: JobHistory | None,
    cell: CellHistory,
    workers: Workers,
    of_job: Mapping[str, Bucket],
    unfaulted_s: Sequence[float],
) -> Trial:
    attempts = job.steps.get(fault.step, []) if job else []
    hit = next((attempt for attempt in attempts if attempt.id == fault.attempt_id), None)
    confirmed = hit_running_step(fault, hit)
    point, total = _reached(fault, hit)
    graceful = confirmed and hit is not None and hit.finished_s is not None
    impact = facts_of(fault.fault).impact
    parked = confirmed and impact is Impact.PARKED
    unwanted = not (fault.aimed or parked) or (job is not None and job.cancel_asked)
    others = [attempt for attempt in attempts if attempt is not hit] if confirmed else []
    after = _records_after(fault.mono_s, others)
    handed_out = next((record.mono_s for record in after), None)
    works = next((record.mono_s for record in after if record.kind in _AT_WORK), None)
    resumed = next((r.mono_s for r in after if r.kind in _DONE or r.done > point), None)
    following = [a for a in others if a.working_s is not None and a.working_s > fault.mono_s]
    successor = min(following, key=lambda attempt: attempt.working_s or 0.0, default=None)
    left_a_step = not graceful and not unwanted
    from_s = fault.mono_s
    if parked and job:
        # No attempt was struck: the first one that any of its steps has then is the recovery.
        of_the_job = (attempt for each in job.steps.values() for attempt in each)
        handed_out, works = _first_of(of_the_job, fault.mono_s)
    if confirmed and job and impact is Impact.KEEPER_KILLED:
        # The struck step goes on; what has to be recovered is the step after it.
        from_s, handed_out, works = _the_step_after(fault, job)
        graceful, left_a_step, resumed, hit = False, True, None, None

    def since_fault(at: float | None) -> float | None:
        return at - from_s if at is not None and left_a_step else None

    bucket = of_job.get(fault.job_id, Bucket.UNKNOWN)
    penalty = None
    owed = confirmed and not unwanted
    if owed and job and bucket is Bucket.COMPLETED and len(unfaulted_s) >= MEDIAN_FROM:
        completion_s = _completion_s(job)
        penalty = None if completion_s is None else completion_s - median(unfaulted_s)
    return Trial(
        trial=fault.trial,
        job_id=fault.job_id,
        step=fault.step,
        confirmed=confirmed,
        bucket=bucket,
        fault_mono_s=fault.mono_s,
        handed_out_s=since_fault(handed_out),
        recovery_s=since_fault(works),
        resumption_s=since_fault(resumed),
        terms=(
            recovery_terms(fault, hit, cell.info, workers, handed_out, works)
            if hit and handed_out is not None and works is not None and left_a_step
            else {}
        ),
        completion_penalty_s=penalty,
        progress_at_fault=f"{point}/{total}",
        resumed_from=successor.start_point if successor and not graceful else None,
        graceful=graceful,
        observed_s=_observed_until(fault, job, cell) - fault.mono_s,
        nothing_to_recover=unwanted,
        stopped_s=_stopped_s(fault, hit) if confirmed and unwanted else None,
    )


def _the_step_after(fault: Fault, job: JobHistory) -> tuple[float, float | None, float | None]:
    """Return when a step like the struck one was last over, and when the next began and worked.

    No sooner than the fault. The next is the first of another kind that begins after that.
    """
    kind = fault.step.partition("/")[0]
    by_kind = [(step.partition("/")[0], a) for step, each in job.steps.items() for a in each]
    alike = [attempt for of, attempt in by_kind if of == kind]
    from_s = max([fault.mono_s, *(a.ended_s for a in alike if a.finished_s is not None)])
    others = [attempt for of, attempt in by_kind if of != kind]
    return from_s, *_first_of(others, from_s)


def _first_of(attempts: Iterable[Attempt], from_s: float) -> tuple[float | None, float | None]:
    """Return when the first attempt after this moment began, and when one worked."""
    after = _records_after(from_s, [a for a in attempts if a.started_s >= from_s])
    handed_out = next((record.mono_s for record in after), None)
    works = next((record.mono_s for record in after if record.kind in _AT_WORK), None)
    return handed_out, works


def _stopped_s(fault: Fault, hit: Attempt | None) -> float | None:
    stopped = hit is not None and hit.ending is RecordKind.CANCELLED
    return hit.ended_s - fault.mono_s if hit and stopped else None


def _reached(fault: Fault, hit: Attempt | None) -> tuple[int, int]:
    before = [r for r in hit.records if r.mono_s <= fault.mono_s] if hit else []
    done = max([fault.done, *(record.done for record in before)])
    return done, max([fault.total, *(record.total for record in before)])


def _records_after(at: float, others: Iterable[Attempt]) -> list[AttemptRecord]:
    records = [r for attempt in others for r in attempt.records if r.mono_s > at]
    return sorted(records, key=lambda record: record.mono_s)


def _observed_until(fault: Fault, job: JobHistory | None, cell: CellHistory) -> float:
    if job and job.final:
        return max(job.final.mono_s, fault.mono_s)
    return max(cell.window_s[1] if cell.window_s else fault.mono_s, fault.mono_s)


def _completion_s(job: JobHistory) -> float | None:
    if job.accepted_s is None or job.completed_s is None:
        return None
    return job.completed_s - job.accepted_s


def _samples(values: Sequence[float | None]) -> Samples:
    got = [value for value in values if value is not None]
    return summarise(got, censored=len(values) - len(got))
