"""What holds in every cell, whatever its settings; a breach makes the cell invalid."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial

from bench.checkers.attempts import Attempt
from bench.checkers.buckets import Buckets, check_buckets
from bench.checkers.by_job import CellHistory, JobHistory
from bench.checkers.verdict import Checks
from bench.load.plan import ANSWER_LIMIT_S
from bench.record.metrics import Bucket, Check, Verdict
from shared.domain.promises import Promise
from shared.domain.status import JobStatus
from shared.policy import CAPTURE_CREDITS, RELEASE_CREDITS, RESERVE_CREDITS

_SHOWN = 5


def run_invariants(checks: Checks, cell: CellHistory, buckets: Buckets) -> None:
    """Run every check of what must hold whatever was done to the jobs."""
    checks.run("jobs completed", partial(check_some_completed, cell, buckets))
    checks.run("buckets add up", partial(check_buckets, buckets))
    checks.run("credits settled once", partial(check_credits, cell, buckets))
    checks.run("one job a key", partial(check_keys, cell))
    checks.run("nothing ran after a rejection", partial(check_rejected, cell, buckets))
    checks.run("nothing ran after a cancel", partial(check_cancelled, cell))
    checks.run("a terminal status stays", partial(check_terminal_status, cell))


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
    """No job takes and gives back more than it reserved, nor does both; once terminal, no less.

    Repeats are counted as duplicate effects, so each effect counts once here. A phantom's missing
    settlement is what makes it one, and is left to its bucket. A failed job that settled nothing is
    a finding where the arm does not promise `no_loss`: without retries, whoever could not take
    the credits does not give them back either.
    """
    wrong: list[str] = []
    unsettled: list[str] = []
    for job in cell.every_job:
        held = _amount(job, RESERVE_CREDITS)
        taken, back = _amount(job, CAPTURE_CREDITS), _amount(job, RELEASE_CREDITS)
        settled = job.applied(CAPTURE_CREDITS) or job.applied(RELEASE_CREDITS)
        phantom = buckets.of_job.get(job.job_id) is Bucket.PHANTOM
        if job.applied(CAPTURE_CREDITS) and job.applied(RELEASE_CREDITS):
            wrong.append(f"{job.job_id} captured {taken} and released {back}")
        elif taken + back > held or (
            _terminal(job) and (settled or not phantom) and held != taken + back
        ):
            unpaid = buckets.of_job.get(job.job_id) is Bucket.FAILED and not settled
            found = unsettled if unpaid and Promise.NO_LOSS not in cell.info.demands else wrong
            found.append(f"{job.job_id} reserved {held}, captured {taken}, released {back}")
    if unsettled and not wrong:
        detail = f"a finding, not a demand of this cell: {_listed(unsettled)}"
        return Check("credits settled once", Verdict.VALID, detail)
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


def check_keys(cell: CellHistory) -> Check:
    """However often a request is sent with one idempotency key, there is one job."""
    by_key: dict[str, set[str]] = defaultdict(set)
    for submission in cell.submissions:
        if submission.key and submission.job_id:
            by_key[submission.key].add(submission.job_id)
    wrong = [
        f"{key} made {', '.join(sorted(jobs))}" for key, jobs in by_key.items() if len(jobs) > 1
    ]
    return _none_wrong("one job a key", wrong)


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
    """Who saw a terminal status never sees another one, and neither does anybody after that.

    Two clients that ask at the same time may note their answers in either order: a status that goes
    back from one to the other within the time that an answer may take is unknown.
    """
    wrong: list[str] = []
    doubtful: list[str] = []
    for job in cell.every_job:
        answers = _answers(job)
        for place, answer in enumerate(answers):
            before = [earlier for earlier in answers[:place] if answer.contradicts(earlier)]
            if not before:
                continue
            said = f"{job.job_id} was {before[0].status}, then {answer.status}"
            certain = any(answer.asked_after(earlier) for earlier in before)
            (wrong if certain else doubtful).append(said)
            if certain:
                break
    if doubtful and not wrong:
        detail = f"to two clients at about the same time: {_listed(doubtful)}"
        return Check("a terminal status stays", Verdict.UNKNOWN, detail)
    return _none_wrong("a terminal status stays", wrong)


@dataclass(frozen=True, slots=True)
class _Answer:
    """What a client saw of a job, and when; `client` is None for the look after the drain."""

    client: str | None
    status: str
    mono_s: float

    def contradicts(self, earlier: "_Answer") -> bool:
        return _is_terminal(earlier.status) and self.status != earlier.status

    def asked_after(self, earlier: "_Answer") -> bool:
        """Whether no order of the two requests explains what was seen."""
        return (
            _is_terminal(self.status)
            or self.client in (None, earlier.client)
            or self.mono_s > earlier.mono_s + ANSWER_LIMIT_S
        )


def _answers(job: JobHistory) -> list[_Answer]:
    answers = [
        _Answer(op.op_id, op.status, op.mono_s) for op in job.follows if op.status is not None
    ]
    # Without a status and without a word on where it is, nobody answered.
    if job.final is not None and (job.final.status is not None or job.final.held is not None):
        answers.append(_Answer(None, job.final.status or "nothing", job.final.mono_s))
    return answers


def _none_wrong(name: str, wrong: list[str]) -> Check:
    if not wrong:
        return Check(name, Verdict.VALID, "")
    return Check(name, Verdict.INVALID, _listed(wrong))


def _listed(found: list[str]) -> str:
    more = f" and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
    return "; ".join(found[:_SHOWN]) + more


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
