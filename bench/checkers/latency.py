"""Latencies as clients saw them, counted from the time at which the schedule wanted them sent."""

from collections.abc import Mapping
from dataclasses import dataclass

from bench.checkers.by_job import CellHistory
from bench.checkers.statistics import summarise
from bench.record.history import OpPhase
from bench.record.metrics import Bucket, Samples

_NEVER_ENDED = (Bucket.UNRECOVERED, Bucket.LOST)


@dataclass(frozen=True, slots=True)
class Latency:
    """Seconds. Schedule lag is apart, so that a slow load generator shows as one."""

    accept_s: Samples
    end_to_end_s: Samples
    schedule_lag_s: Samples

    @classmethod
    def none(cls) -> "Latency":
        """Nothing measured."""
        return cls(summarise([]), summarise([]), summarise([]))


def measure_latency(cell: CellHistory, of_job: Mapping[str, Bucket]) -> Latency:
    """Measure the cell's submits and its completed jobs; jobs that never ended are censored."""
    submissions = cell.submissions
    accept = [
        submission.answered_s - submission.intended_s
        for submission in submissions
        if submission.outcome is OpPhase.OK and submission.answered_s is not None
    ]
    end_to_end = [
        job.completed_s - min(submission.intended_s for submission in job.submissions)
        for job in cell.jobs.values()
        if of_job.get(job.job_id) is Bucket.COMPLETED and job.completed_s is not None
    ]
    lag = [s.invoked_s - s.intended_s for s in submissions if s.scheduled]
    never = sum(bucket in _NEVER_ENDED for bucket in of_job.values())
    return Latency(summarise(accept), summarise(end_to_end, never), summarise(lag))
