"""Every submitted job in exactly one bucket, and the proof that they add up."""

from collections import Counter
from dataclasses import dataclass

from bench.checkers.by_job import CellHistory, JobHistory
from bench.record.history import FinalState, OpPhase
from bench.record.metrics import Bucket, Check, Verdict
from shared.domain.status import JobStatus
from shared.policy import RELEASE_CREDITS, RESERVE_CREDITS

_NO_TRACE = "no answer whether the engine still holds it"
_NO_RESULT = "no answer what its result is"
_NO_ANSWER = frozenset({_NO_TRACE, _NO_RESULT})

BOUND_MARGIN_S = 1.0
"""An engine's bound has passed when it lies this far back: its clock and ours differ a little."""

ACCEPTED = (
    Bucket.COMPLETED,
    Bucket.FAILED,
    Bucket.CANCELLED,
    Bucket.PHANTOM,
    Bucket.UNRECOVERED,
    Bucket.LOST,
)
"""The buckets of accepted jobs."""


@dataclass(frozen=True, slots=True)
class Buckets:
    """The bucket of each named job, how many submits fell where, and what fell nowhere.

    `counts` has every bucket. `accepted` is counted from the clients' side only, so that it can
    disagree with the sum of the buckets. `unplaced` says of each accepted job why no bucket's
    definition fits it, or that nobody said what became of it; it is counted as unknown.
    """

    of_job: dict[str, Bucket]
    counts: dict[Bucket, int]
    accepted: int
    recovered_unknown: int
    unplaced: dict[str, str]
    stuck: int = 0
    """Of the unrecovered ones, those that by their engine cannot go on by themselves."""

    @property
    def jobs(self) -> int:
        """How many jobs were submitted."""
        return sum(self.counts.values())

    @classmethod
    def none(cls) -> "Buckets":
        """No job in any bucket."""
        return cls({}, dict.fromkeys(Bucket, 0), 0, 0, {})


def sort_into_buckets(cell: CellHistory) -> Buckets:
    """Put every submission of the cell into a bucket."""
    of_job: dict[str, Bucket] = {}
    unplaced: dict[str, str] = {}
    recovered = accepted = 0
    for job in cell.jobs.values():
        match job.outcome:
            case OpPhase.FAIL:
                of_job[job.job_id] = Bucket.REJECTED
                continue
            case OpPhase.INFO if not _appeared(job):
                of_job[job.job_id] = Bucket.UNKNOWN
                continue
            case OpPhase.INFO:
                recovered += 1
            case _:
                accepted += 1
        _place(job, cell, of_job, unplaced)

    anonymous = Counter(submission.outcome for submission in cell.anonymous)
    # A job that no submission names is one of those whose client got no answer, as long as there
    # are any: nobody else can have sent it.
    found = cell.orphans[: anonymous[OpPhase.INFO]]
    for job in found:
        _place(job, cell, of_job, unplaced)
    for job in cell.orphans[len(found) :]:
        unplaced[job.job_id] = "no client submitted it"

    counts = dict.fromkeys(Bucket, 0) | Counter(of_job.values())
    counts[Bucket.REJECTED] += anonymous[OpPhase.FAIL]
    # An acceptance that names no job is one that nobody can ask for.
    counts[Bucket.UNKNOWN] += anonymous[OpPhase.INFO] - len(found) + anonymous[OpPhase.OK]
    return Buckets(
        of_job=of_job,
        counts=counts,
        accepted=accepted + anonymous[OpPhase.OK] + recovered + len(found),
        recovered_unknown=recovered + len(found),
        unplaced=unplaced,
        stuck=sum(
            of_job.get(job.job_id) is Bucket.UNRECOVERED
            and job.final is not None
            and job.final.stuck
            for job in cell.every_job
        ),
    )


def check_buckets(buckets: Buckets) -> Check:
    """`accepted = completed + failed + cancelled + phantom + unrecovered + lost`, or invalid.

    Where only answers are missing, it is unknown.
    """
    placed = sum(buckets.counts[bucket] for bucket in ACCEPTED)
    terms = " + ".join(f"{buckets.counts[bucket]} {bucket}" for bucket in ACCEPTED)
    detail = f"{buckets.accepted} accepted, {terms}"
    if buckets.recovered_unknown:
        detail += f"; {buckets.recovered_unknown} of unknown outcome were found later"
    unanswered = {job: why for job, why in buckets.unplaced.items() if why in _NO_ANSWER}
    nowhere = {job: why for job, why in buckets.unplaced.items() if job not in unanswered}
    for what, jobs in (("in no bucket:", nowhere), ("nobody said what became of", unanswered)):
        if jobs:
            listed = ", ".join(f"{job_id} ({why})" for job_id, why in sorted(jobs.items()))
            detail += f"; {what} {listed}"
    adds_up = placed + len(unanswered) == buckets.accepted and not nowhere
    said = Verdict.UNKNOWN if unanswered else Verdict.VALID
    return Check("buckets add up", said if adds_up else Verdict.INVALID, detail)


def _appeared(job: JobHistory) -> bool:
    final = job.final
    return bool(job.steps) or (final is not None and (final.status is not None or bool(final.held)))


def _place(
    job: JobHistory, cell: CellHistory, of_job: dict[str, Bucket], unplaced: dict[str, str]
) -> None:
    bucket, why = _bucket(job, cell.info.owed_effects)
    of_job[job.job_id] = bucket
    if bucket is Bucket.UNKNOWN:
        unplaced[job.job_id] = why


def _bucket(job: JobHistory, owed_effects: list[str]) -> tuple[Bucket, str]:
    """The bucket of an accepted job; UNKNOWN, with the reason, if no definition fits it."""
    final = job.final
    if final is None:
        return Bucket.UNKNOWN, "its final state was not recorded"
    match final.status:
        case JobStatus.SUCCEEDED:
            applied = all(job.applied(owed) for owed in owed_effects)
            if final.readable is None and applied:
                return Bucket.UNKNOWN, _NO_RESULT
            return (Bucket.COMPLETED if final.readable and applied else Bucket.PHANTOM), ""
        case JobStatus.FAILED | JobStatus.TIMED_OUT:
            return Bucket.FAILED, ""
        case JobStatus.CANCELLED if not job.cancel_asked:
            return Bucket.UNKNOWN, "cancelled, and nobody asked for it"
        case JobStatus.CANCELLED if job.applied(RESERVE_CREDITS) and not job.applied(
            RELEASE_CREDITS
        ):
            return Bucket.UNKNOWN, "cancelled without its compensation"
        case JobStatus.CANCELLED:
            return Bucket.CANCELLED, ""
        case status if status is not None and status not in set(JobStatus):
            return Bucket.UNKNOWN, f"its status {status!r} is not known"
        case _:
            return _unfinished(final)


def _unfinished(final: FinalState) -> tuple[Bucket, str]:
    match final.held:
        case None:
            return Bucket.UNKNOWN, _NO_TRACE
        case False if final.closed:
            # The engine has its end: whatever the facade last showed, it is not lost.
            return Bucket.UNKNOWN, _NO_RESULT
        case False:
            return Bucket.LOST, ""
        case True if final.due_in_s is not None and final.due_in_s <= -BOUND_MARGIN_S:
            return Bucket.LOST, ""
        case _:
            return Bucket.UNRECOVERED, ""
