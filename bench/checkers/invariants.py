"""What holds in every cell, whatever its settings; a breach makes the cell invalid."""

from collections.abc import Iterable

from bench.checkers.attempts import Attempt
from bench.checkers.buckets import Buckets
from bench.checkers.by_job import CellHistory, JobHistory
from bench.metrics import Bucket, Check, Verdict
from shared.domain.status import JobStatus
from shared.policy import CAPTURE_CREDITS, RELEASE_CREDITS, RESERVE_CREDITS

_SHOWN = 5


def check_some_completed(cell: CellHistory, buckets: Buckets) -> Check:
    """A cell without a completed job says nothing, unless every job was hit by a fault."""
    name = "jobs completed"
    completed, jobs = buckets.counts[Bucket.COMPLETED], buckets.jobs
    if not jobs:
        return Check(name, Verdict.UNKNOWN, "no job was submitted")
    hit = {fault.job_id for fault in cell.faults if fault.reported_hit}
    all_hit = not cell.anonymous and hit >= set(cell.jobs)
    verdict = Verdict.VALID if completed or all_hit else Verdict.UNKNOWN
    return Check(name, verdict, f"{completed} of {jobs} submitted jobs completed")


def check_credits(cell: CellHistory, buckets: Buckets) -> Check:
    """Every terminal job's reservation is captured or released, in full, and never both.

    Repeats are counted as duplicate effects, so each effect counts once here. A phantom's missing
    settlement is what makes it one, and is left to its bucket.
    """
    wrong = []
    for job in cell.every_job:
        held = _amount(job, RESERVE_CREDITS)
        taken, back = _amount(job, CAPTURE_CREDITS), _amount(job, RELEASE_CREDITS)
        if job.applied(CAPTURE_CREDITS) and job.applied(RELEASE_CREDITS):
            wrong.append(f"{job.job_id} captured {taken} and released {back}")
        elif (
            _terminal(job)
            and buckets.of_job.get(job.job_id) is not Bucket.PHANTOM
            and held != taken + back
        ):
            wrong.append(f"{job.job_id} reserved {held}, captured {taken}, released {back}")
    return _none_wrong("credits settled once", wrong)


def check_rejected(cell: CellHistory, buckets: Buckets) -> Check:
    """A rejected job never runs.

    The first step is also the gate of acceptance, so an attempt that stops there before it has
    done anything is the gate at work.
    """
    wrong = []
    for job in cell.every_job:
        if buckets.of_job.get(job.job_id) is not Bucket.REJECTED:
            continue
        ran = [step for step, attempts in job.steps.items() if any(a.executed for a in attempts)]
        ran += sorted({effect.effect for effect in job.effects if effect.applied})
        if ran:
            wrong.append(f"{job.job_id} ran {', '.join(ran)}")
    return _none_wrong("nothing ran after a rejection", wrong)


def check_cancelled(cell: CellHistory) -> Check:
    """No attempt starts to work on a job whose cancellation is complete.

    A compensation that is repeated undoes nothing more; it counts among the repetitions.
    """
    wrong = []
    for job in cell.every_job:
        cancelled_s = _cancelled_s(job)
        if not job.cancel_asked or cancelled_s is None:
            continue
        late = [
            step
            for step, attempts in job.steps.items()
            if step != RELEASE_CREDITS
            and any(a.executed and (a.working_s or 0.0) > cancelled_s for a in attempts)
        ]
        if late:
            wrong.append(f"{job.job_id} ran {', '.join(late)}")
    return _none_wrong("nothing ran after a cancel", wrong)


def check_terminal_status(cell: CellHistory) -> Check:
    """A client that saw a terminal status never sees another one."""
    wrong = []
    for job in cell.every_job:
        seen = [op.status for op in job.follows if op.status is not None]
        if job.final is not None:
            seen.append(job.final.status or "nothing")
        ended = next((status for status in seen if _is_terminal(status)), None)
        if ended is None:
            continue
        changed = next((s for s in seen[seen.index(ended) :] if s != ended), None)
        if changed is not None:
            wrong.append(f"{job.job_id} was {ended}, then {changed}")
    return _none_wrong("a terminal status stays", wrong)


def _none_wrong(name: str, wrong: list[str]) -> Check:
    if not wrong:
        return Check(name, Verdict.VALID, "")
    more = f" and {len(wrong) - _SHOWN} more" if len(wrong) > _SHOWN else ""
    return Check(name, Verdict.INVALID, "; ".join(wrong[:_SHOWN]) + more)


def _amount(job: JobHistory, effect: str) -> int:
    """The credits of an effect's distinct applications."""
    first = {record.key: record.amount or 0 for record in reversed(job.applied(effect))}
    return sum(first.values())


def _terminal(job: JobHistory) -> bool:
    return job.final is not None and _is_terminal(job.final.status)


def _is_terminal(status: str | None) -> bool:
    return status in set(JobStatus) and JobStatus(status).terminal


def _cancelled_s(job: JobHistory) -> float | None:
    """When the compensation was done, or a client saw the job cancelled."""
    moments = [op.mono_s for op in job.follows if op.status == JobStatus.CANCELLED]
    releases: Iterable[Attempt] = []
    if job.applied(RELEASE_CREDITS):
        releases = job.steps.get(RELEASE_CREDITS, [])
    moments += [a.finished_s for a in releases if a.finished_s is not None]
    return min(moments, default=None)
