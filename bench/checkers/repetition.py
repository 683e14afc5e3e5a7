"""What was done more than once: attempts, finished work, effects, and seconds side by side."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import fsum

from bench.checkers.attempts import Attempt
from bench.checkers.by_job import JobHistory


@dataclass(frozen=True, slots=True)
class Repetition:
    """Counts over all steps and effects of some jobs; `overlap_s` in seconds."""

    re_executions: int = 0
    duplicate_executions: int = 0
    duplicate_effects: int = 0
    suppressed_effects: int = 0
    overlap_s: float = 0.0


def count_repetition(jobs: Iterable[JobHistory]) -> Repetition:
    """Count what `jobs` repeated. An attempt that only returned a stored result counts too."""
    jobs = list(jobs)
    steps = [attempts for job in jobs for attempts in job.steps.values()]
    finished = [sum(a.finished_s is not None for a in attempts) for attempts in steps]
    effects = [effect for job in jobs for effect in job.effects]
    applied = Counter((effect.job_id, effect.effect) for effect in effects if effect.applied)
    return Repetition(
        re_executions=sum(len(attempts) - 1 for attempts in steps),
        duplicate_executions=sum(max(0, count - 1) for count in finished),
        duplicate_effects=sum(count - 1 for count in applied.values()),
        suppressed_effects=sum(not effect.applied for effect in effects),
        overlap_s=fsum(overlap_s(attempts) for attempts in steps),
    )


def overlap_s(attempts: Sequence[Attempt]) -> float:
    """Seconds in which at least two attempts of one step were at work."""
    edges = sorted(
        edge
        for attempt in attempts
        if attempt.working_s is not None
        for edge in ((attempt.working_s, 1), (attempt.ended_s, -1))
    )
    total, running, since = 0.0, 0, 0.0
    for at, change in edges:
        if running >= 2:
            total += at - since
        running += change
        since = at
    return total
