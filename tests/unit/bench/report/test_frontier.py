"""The frontier in the report: one mark a point, and only for a run that has one."""

import re
from dataclasses import replace
from pathlib import Path

from bench.checkers.frontier import FrontierPoint
from bench.report.arms import arm_styles
from bench.report.frontier import FrontierPanel
from bench.report.frontier_chart import repeats_chart, waste_chart
from bench.report.html import render_html
from bench.report.markdown import render_markdown
from bench.report.page import Page, build_page
from tests.unit.bench.builder import Story, cell_info

ARMS = ("celery/hardened", "celery/renewed", "temporal/hardened")


def panel(points: list[FrontierPoint]) -> FrontierPanel:
    return FrontierPanel("Steps of 20 s", points, arm_styles(ARMS))


def point(arm: str, budget_s: float, recovery_s: float, repeats: int = 0) -> FrontierPoint:
    return FrontierPoint(
        arm, "sigkill", budget_s, 20.0, 10, (recovery_s,) * 3, 0, repeats, 0, 0.0, 5.0, 8.0, 0
    )


POINTS = [point(arm, b, 0.7 * b, 3 if b < 5 else 0) for arm in ARMS for b in (2.0, 5.0, 10.0)]


def test_every_point_is_a_mark_with_its_budget_beside_it() -> None:
    for svg in (repeats_chart(panel(POINTS)), waste_chart(panel(POINTS))):
        assert svg.count("<circle") == len(POINTS)
        assert svg.count(">10\u00a0s</text>") == len(ARMS)


def test_the_marks_of_an_arm_have_its_colour_and_are_joined() -> None:
    svg = repeats_chart(panel(POINTS))
    assert len(re.findall(r'class="curve thin arm-celery-\d"', svg)) == 2
    assert len(re.findall(r'class="curve thin arm-temporal-\d"', svg)) == 1


def test_a_point_without_a_recovery_is_left_out_and_none_at_all_draws_nothing() -> None:
    never = replace(POINTS[0], recoveries=())
    assert repeats_chart(panel([never, *POINTS[1:]])).count("<circle") == len(POINTS) - 1
    assert repeats_chart(panel([never])) == ""


def test_costs_that_are_all_nothing_are_drawn_on_the_zero_line() -> None:
    svg = repeats_chart(panel([replace(each, repeats=0) for each in POINTS]))
    heights = {float(y) for y in re.findall(r'<circle cx="[\d.]+%" cy="([\d.]+)"', svg)}
    assert len(heights) == 1


def page_of(budgets: list[float], folder: Path) -> Page:
    """The page of a run with one cell a budget and one job that went well in each."""
    cells = [
        cell_info(
            id=f"budget-{budget_s:g}",
            fault="sigkill",
            trials=1,
            detection_budget_s=budget_s,
            healthy_step_s=20.0,
        )
        for budget_s in budgets
    ]
    story = Story(*cells)
    for place, cell in enumerate(cells):
        story.healthy(f"job-{place}", 100.0 * place, cell=cell.id)
    return build_page(story.info(), story.metrics(), folder)


def test_a_run_with_three_budgets_has_the_section_and_tells_its_cells_apart(tmp_path: Path) -> None:
    page = page_of([2.0, 5.0, 10.0], tmp_path)
    assert 'id="frontier"' in render_html(page)
    markdown = render_markdown(page)
    assert markdown.index("### Steps of 20") < markdown.index(", budget 2")
    titles = [section.title for section in page.sections]
    assert len(set(titles)) == 3
    assert titles[0].endswith("budget 2\u00a0s, steps of 20\u00a0s")


def test_a_run_with_two_budgets_has_no_such_section(tmp_path: Path) -> None:
    page = page_of([2.0, 5.0], tmp_path)
    assert page.frontier is None
    assert 'id="frontier"' not in render_html(page)
    assert len(page.sections) == 1
