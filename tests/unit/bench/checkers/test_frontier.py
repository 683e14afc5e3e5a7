"""The frontier: what a shorter budget buys, and what it costs."""

import pytest

from bench.checkers.by_job import by_cell
from bench.checkers.frontier import Frontier, FrontierPoint, frontier_answer, frontiers
from shared.domain.status import RecordKind
from tests.unit.bench.builder import CELL, STEPS, Story, cell_info


def tried(budgets: list[float], **changes: object) -> Story:
    """A cell a budget, each with one killed job; what comes after the first cell's is `CELL`."""
    cells = [
        cell_info(
            id=f"budget-{budget_s:g}" if place else CELL,
            fault="sigkill",
            trials=1,
            detection_budget_s=budget_s,
            healthy_step_s=20.0,
            **changes,
        )
        for place, budget_s in enumerate(budgets)
    ]
    story = Story(*cells)
    for cell in cells[1:]:
        story.submit(f"job-{cell.id}", cell=cell.id)
    return story


def found(story: Story) -> list[Frontier]:
    info = story.info()
    return frontiers(story.metrics().cells, by_cell(info.cells, story.history))


def point(story: Story) -> FrontierPoint:
    """The point of the first cell."""
    return found(story)[0].points[0]


def test_two_budgets_make_no_frontier_and_three_do() -> None:
    assert found(tried([2.0, 5.0]).killed("a")) == []
    [frontier] = found(tried([2.0, 5.0, 10.0]).killed("a"))
    assert [point.budget_s for point in frontier.points] == [2.0, 5.0, 10.0]
    assert frontier.step_s == 20.0


def test_the_attempt_after_a_kill_is_no_needless_repeat() -> None:
    seen = point(tried([2.0, 5.0, 10.0]).killed("a", after=5.0))
    assert (seen.repeats, seen.blocked_s) == (0, 0.0)
    assert seen.recovery_s == pytest.approx(5.0)
    assert seen.wasted_a_job_s == pytest.approx(seen.wasted_s)
    assert seen.wasted_s > 0


def test_an_attempt_beside_a_living_one_is_a_needless_repeat_and_blocks_its_worker() -> None:
    story = tried([2.0, 5.0, 10.0]).submit("a").denoise("a", "a-1", at=0.0)
    # Two more deliveries wait for the lease until the first has finished, and return its result.
    for name, at in (("a-2", 3.0), ("a-3", 6.0)):
        story.attempt("a", name, at=at, ends=(RecordKind.REPLAYED, STEPS + 2.0))
    seen = point(story.settled("a", STEPS + 3.0).final("a"))
    assert seen.repeats == 2
    assert seen.blocked_s == pytest.approx((STEPS + 2 - 3) + (STEPS + 2 - 6))
    assert (seen.overlap_s, seen.duplicate_executions) == (0.0, 0)


def test_a_run_with_a_frontier_answers_with_it() -> None:
    [sentence] = tried([2.0, 5.0, 10.0]).killed("a").metrics().answer
    assert sentence.startswith("With steps of 20 s and budgets from 2 to 10 s, celery/hardened")


def test_arms_with_different_budgets_are_no_frontier() -> None:
    """Nobody has tried several, so there is nothing to compare along."""
    infos = [
        cell_info(
            id=str(budget_s),
            arm=f"celery/{budget_s:g}",
            fault="sigkill",
            trials=1,
            detection_budget_s=budget_s,
            healthy_step_s=20.0,
        )
        for budget_s in (2.0, 5.0, 10.0)
    ]
    story = Story(*infos)
    for info in infos:
        story.submit(info.id, cell=info.id)
    assert story.metrics().frontier == []


def of_arm(arm: str, budget_s: float, recovery_s: float, repeats: int) -> FrontierPoint:
    return FrontierPoint(
        arm, "sigkill", budget_s, 20.0, 10, (recovery_s,) * 3, 0, repeats, 0, 0.0, 5.0, 8.0, 0
    )


def test_the_sentence_names_the_fastest_clean_budget_and_the_worst_of_the_rest() -> None:
    points = [
        of_arm("celery/hardened", 2.0, 1.5, 65),
        of_arm("celery/hardened", 30.0, 15.0, 0),
        of_arm("celery/hardened", 60.0, 45.0, 0),
        of_arm("temporal/hardened", 2.0, 1.8, 0),
    ]
    assert frontier_answer([Frontier(20.0, points)]) == [
        "With steps of 20 s and budgets from 2 to 60 s, celery/hardened recovered after a median"
        " 15.0 s at best without a needless repeat (budget 30 s) and began 6.5 needless repeats a"
        " job with a budget of 2 s; temporal/hardened recovered after a median 1.8 s at best"
        " without a needless repeat (budget 2 s)."
    ]


def test_an_arm_that_always_repeats_is_said_to() -> None:
    points = [of_arm("celery/hardened", budget_s, 2.0, 10) for budget_s in (2.0, 5.0, 10.0)]
    [sentence] = frontier_answer([Frontier(None, points)])
    assert "celery/hardened began healthy steps again at every budget" in sentence
