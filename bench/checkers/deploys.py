"""What became of jobs around a deploy: of those that were open when it began, or of later ones."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import pairwise

from bench.checkers.buckets import sort_into_buckets
from bench.checkers.by_job import CellHistory, JobHistory
from bench.checkers.repetition import count_repetition
from bench.record.metrics import Bucket
from shared.policy import GENERATE_IMAGE, NOTIFY_USER


@dataclass(frozen=True, slots=True)
class Fate:
    """Counts of jobs, and seconds since the deploy began.

    Of jobs that are repeated, `re_executions` are attempts beyond a step's first.
    """

    jobs: int
    counts: Mapping[Bucket, int]
    """The buckets that have any."""
    stuck: int
    """Of the unrecovered ones, those that by their engine cannot go on by themselves."""
    re_executions: int
    duplicate_effects: int
    at_once: int
    """Jobs that had two pictures made at the same time, as before the change."""
    last_finished_s: float | None
    """When the last of those that finished had done so."""
    last_seen_s: float | None
    """When those that did not were last looked at, and still had not."""
    why: str
    """What the engine said of one that is stuck, or else of one that did not finish."""

    @property
    def finished(self) -> int:
        """Those that are completed, with every effect that they owe."""
        return self.counts.get(Bucket.COMPLETED, 0)

    @property
    def waiting(self) -> int:
        """Those that are neither finished, nor failed, nor called stuck."""
        return self.counts.get(Bucket.UNRECOVERED, 0) - self.stuck


def judge(cell: CellHistory, deployed_s: float) -> Fate:
    """Judge the jobs that were not over when the deploy began."""
    jobs = {name: job for name, job in cell.jobs.items() if not _over(job, deployed_s)}
    buckets = sort_into_buckets(replace(cell, jobs=jobs))
    repetition = count_repetition(jobs.values())
    completed = {name for name, bucket in buckets.of_job.items() if bucket is Bucket.COMPLETED}
    ended_s = [job.completed_s for name, job in jobs.items() if name in completed]
    others = [job.final for name, job in jobs.items() if name not in completed and job.final]
    # What is stuck first.
    others.sort(key=lambda final: not final.stuck)
    return Fate(
        jobs=len(jobs),
        counts={bucket: count for bucket, count in buckets.counts.items() if count},
        stuck=buckets.stuck,
        re_executions=repetition.re_executions,
        duplicate_effects=repetition.duplicate_effects,
        at_once=sum(map(_at_once, jobs.values())),
        last_finished_s=max((at - deployed_s for at in ended_s if at is not None), default=None),
        last_seen_s=max((final.mono_s - deployed_s for final in others), default=None),
        why=next((final.where or final.error or "" for final in others), ""),
    )


def _over(job: JobHistory, at_s: float) -> bool:
    ends = (attempt.finished_s for attempt in job.steps.get(NOTIFY_USER, ()))
    return any(end is not None and end < at_s for end in ends)


def _at_once(job: JobHistory) -> bool:
    spans = sorted(
        (attempt.working_s, attempt.ended_s)
        for step, attempts in job.steps.items()
        for attempt in attempts
        if step.startswith(f"{GENERATE_IMAGE}/") and attempt.working_s is not None
    )
    return any(later[0] < earlier[1] for earlier, later in pairwise(spans))
