"""What a shorter detection budget buys and costs, where a run has tried several budgets."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from math import fsum

from bench.checkers.attempts import Attempt
from bench.checkers.by_job import CellHistory
from bench.checkers.device_time import Cause, is_gpu_step
from bench.record.frontier import Frontier, FrontierPoint
from bench.record.metrics import Bucket, CellMetrics

BUDGETS_FROM = 3
"""From so many budgets on there is a frontier to draw."""
_ENDED_WELL = frozenset({Bucket.COMPLETED, Bucket.CANCELLED, Bucket.REJECTED})


def frontiers(cells: Iterable[CellMetrics], histories: Mapping[str, CellHistory]) -> list[Frontier]:
    """Return a frontier for each length of step, that with most budgets first.

    They are of the first fault that an arm was tried under with three budgets or more on steps of
    one length; empty if there is none.
    """
    by_fault: dict[str, dict[float | None, list[FrontierPoint]]] = {}
    for cell in cells:
        history = histories.get(cell.id)
        if history and history.info.detection_budget_s and cell.jobs and cell.trials:
            point = _point(cell, history, history.info.detection_budget_s)
            by_fault.setdefault(cell.fault, {}).setdefault(point.step_s, []).append(point)
    for by_length in by_fault.values():
        found = [Frontier(step_s, _ordered(points)) for step_s, points in by_length.items()]
        found.sort(key=lambda frontier: (-len(frontier.budgets), frontier.step_s or 0.0))
        if _most_budgets(found[0]) >= BUDGETS_FROM:
            return found
    return []


def _most_budgets(frontier: Frontier) -> int:
    tried = {(point.arm, point.budget_s) for point in frontier.points}
    return max(Counter(arm for arm, _ in tried).values())


def frontier_answer(found: Sequence[Frontier]) -> list[str]:
    """Say in a sentence what is seen where most budgets were tried."""
    frontier = found[0]
    arms = dict.fromkeys(point.arm for point in frontier.points)
    said = [_of_arm([p for p in frontier.points if p.arm == arm]) for arm in arms]
    steps = f"steps of {frontier.step_s:g} s" if frontier.step_s else "steps of this length"
    return [f"With {steps} and budgets from {_range(frontier)} s, {'; '.join(said)}."]


def _range(frontier: Frontier) -> str:
    return f"{min(frontier.budgets):g} to {max(frontier.budgets):g}"


def _ordered(points: Iterable[FrontierPoint]) -> list[FrontierPoint]:
    return sorted(points, key=lambda point: (point.arm, point.budget_s))


def _point(cell: CellMetrics, history: CellHistory, budget_s: float) -> FrontierPoint:
    needless = list(chain.from_iterable(_needless(job.steps) for job in history.every_job))
    return FrontierPoint(
        arm=cell.arm,
        fault=cell.fault,
        budget_s=budget_s,
        step_s=history.info.healthy_step_s,
        jobs=cell.jobs,
        recoveries=() if cell.too_busy else tuple(cell.recovery_s.samples),
        unrecovered=cell.recovery_s.censored,
        repeats=len(needless),
        duplicate_executions=cell.duplicate_executions,
        overlap_s=cell.overlap_s,
        wasted_s=fsum(s for cause, s in cell.device_s.items() if cause != Cause.USEFUL),
        blocked_s=fsum(_blocked_s(attempt) for attempt in needless),
        not_well=sum(n for bucket, n in cell.buckets.items() if bucket not in _ENDED_WELL),
    )


def _needless(steps: Mapping[str, Sequence[Attempt]]) -> Iterable[Attempt]:
    """Return the GPU attempts that began while an earlier attempt of their step was alive."""
    for step, attempts in steps.items():
        if is_gpu_step(step):
            alive_until_s = float("-inf")
            for attempt in sorted(attempts, key=lambda attempt: attempt.started_s):
                if attempt.started_s < alive_until_s:
                    yield attempt
                alive_until_s = max(alive_until_s, attempt.ended_s)


def _blocked_s(attempt: Attempt) -> float:
    until_s = attempt.ended_s if attempt.working_s is None else attempt.working_s
    return until_s - attempt.started_s


def _of_arm(points: Sequence[FrontierPoint]) -> str:
    """Say how fast the arm recovers without repeating healthy steps, and what less costs it."""
    clean = [point for point in points if not point.repeats and point.recoveries]
    costly = [point for point in points if point.repeats]
    parts = []
    if clean:
        best = min(clean, key=lambda point: point.recovery_s or 0.0)
        parts.append(
            f"recovered after a median {best.recovery_s or 0.0:.1f} s at best without a needless"
            f" repeat (budget {best.budget_s:g} s)"
        )
    if costly:
        worst = max(costly, key=lambda point: point.repeats_a_job)
        again = "began healthy steps again at every budget, up to" if not clean else "began"
        parts.append(
            f"{again} {worst.repeats_a_job:.1f} needless repeats a job"
            f" with a budget of {worst.budget_s:g} s"
        )
    return f"{points[0].arm} {' and '.join(parts) or 'recovered nothing'}"
