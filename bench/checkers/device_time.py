"""Where the device's seconds went.

The busy time of every GPU attempt is cut at its progress reports, and each piece gets one cause,
so that the causes add up to the busy time.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from math import fsum

from bench.checkers.attempts import Attempt
from bench.checkers.by_job import JobHistory
from bench.record.metrics import Bucket
from shared.policy import GENERATE_IMAGE

GPU_STEPS = frozenset({GENERATE_IMAGE})


class Cause(StrEnum):
    """Why a device was busy."""

    USEFUL = "useful"
    """It went into the result of a completed job."""
    REDONE = "redone"
    """Work of a cut-off attempt that a later attempt did again."""
    DUPLICATE = "duplicate"
    """Work of an attempt that finished a step that was finished already."""
    ZOMBIE = "zombie"
    """An attempt that went on after a later attempt of its step had begun to work."""
    LOST_WORK = "lost_work"
    """Nobody did it again, and it was in no completed job's result when the cell was judged."""
    RELOAD = "reload"
    """A model loaded again after a restart."""


def is_gpu_step(step: str) -> bool:
    """Whether a step runs on the device; `generate_image/1` does as `generate_image` does."""
    return step.partition("/")[0] in GPU_STEPS


def split_device_time(
    jobs: Iterable[JobHistory], of_job: Mapping[str, Bucket]
) -> dict[Cause, float]:
    """Return the busy seconds of the jobs' GPU attempts by cause, all but the reloads."""
    seconds: dict[Cause, float] = {cause: 0.0 for cause in Cause if cause is not Cause.RELOAD}
    for job in jobs:
        completed = of_job.get(job.job_id) is Bucket.COMPLETED
        for step, attempts in job.steps.items():
            if is_gpu_step(step):
                for cause, piece_s in _split_step(attempts, completed):
                    seconds[cause] += piece_s
    return seconds


def busy_s(jobs: Iterable[JobHistory]) -> float:
    """Return the seconds in which GPU attempts of the jobs were at work."""
    return fsum(
        attempt.ended_s - attempt.working_s
        for job in jobs
        for step, attempts in job.steps.items()
        if is_gpu_step(step)
        for attempt in attempts
        if attempt.working_s is not None
    )


@dataclass(frozen=True, slots=True)
class _Piece:
    """A stretch of one attempt. `point` lies inside the progress that it worked on."""

    seconds: float
    began_s: float
    point: float


@dataclass(frozen=True, slots=True)
class _Run:
    """An attempt that worked: from where, to where; a finished one has passed every point."""

    attempt: Attempt
    working_s: float
    begin: float
    reach: float

    def made(self, point: float) -> bool:
        return self.begin <= point <= self.reach


def _split_step(attempts: Sequence[Attempt], completed: bool) -> Iterator[tuple[Cause, float]]:
    runs = sorted(_runs(attempts), key=lambda run: run.working_s)
    finished = [run for run in runs if run.attempt.finished_s is not None]
    winner = min(finished, key=lambda run: run.attempt.finished_s or 0.0, default=None)
    used_up_to = _used(winner, runs) if winner else {}
    for index, run in enumerate(runs):
        later = [other for other in runs[index + 1 :] if other.working_s > run.working_s]
        zombie_from_s = min((other.working_s for other in later), default=None)
        for piece in _pieces(run, zombie_from_s):
            yield (
                _cause(
                    used=run is winner or piece.point < used_up_to.get(run.attempt.id, 0.0),
                    completed=completed,
                    finished=run.attempt.finished_s is not None,
                    zombie=zombie_from_s is not None and piece.began_s >= zombie_from_s,
                    repeated=any(other.made(piece.point) for other in later),
                ),
                piece.seconds,
            )


def _runs(attempts: Iterable[Attempt]) -> Iterator[_Run]:
    for attempt in attempts:
        if attempt.working_s is not None:
            finished = attempt.finished_s is not None
            reach = float("inf") if finished else float(attempt.reached)
            yield _Run(attempt, attempt.working_s, float(attempt.start_point), reach)


def _used(winner: _Run, runs: Sequence[_Run]) -> dict[str, float]:
    """Up to which point each attempt's work lives on in the winner's result.

    A resumed attempt builds on the latest attempt before it that made the point it started from;
    that one may have been resumed itself.
    """
    used: dict[str, float] = {}
    current = winner
    while current.begin > 0:
        before = [
            run
            for run in runs
            if run.working_s < current.working_s and run.begin < current.begin <= run.reach
        ]
        if not before:
            break
        source = max(before, key=lambda run: run.working_s)
        used[source.attempt.id] = current.begin
        current = source
    return used


def _pieces(run: _Run, cut_s: float | None) -> Iterator[_Piece]:
    """Cut a run at its progress reports and at `cut_s`; what follows the last report is a piece."""
    ended_s = run.attempt.ended_s
    marks = [(run.working_s, run.begin)]
    for at, done in run.attempt.points:
        marks.append((min(at, ended_s), max(float(done), marks[-1][1])))
    marks.append((ended_s, marks[-1][1] + 1))
    for (began_s, low), (until_s, high) in pairwise(marks):
        # Before the first step is done, loading and setting up count as part of that step.
        point = (low + high) / 2 if high > low else low + 0.5
        edges = [began_s, until_s]
        if cut_s is not None and began_s < cut_s < until_s:
            edges.insert(1, cut_s)
        for left, right in pairwise(edges):
            yield _Piece(right - left, left, point)


def _cause(*, used: bool, completed: bool, finished: bool, zombie: bool, repeated: bool) -> Cause:
    if used:
        return Cause.USEFUL if completed else Cause.LOST_WORK
    if finished:
        return Cause.DUPLICATE
    if zombie:
        return Cause.ZOMBIE
    return Cause.REDONE if repeated else Cause.LOST_WORK
