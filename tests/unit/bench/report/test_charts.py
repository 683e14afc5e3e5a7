"""The survival curve keeps every trial, also those that never recovered."""

import itertools
import re

import pytest
from markupsafe import Markup

from bench.checkers.statistics import survival_curve
from bench.report import svg as axis
from bench.report.arms import PLAIN, arm_key, arm_styles
from bench.report.charts import Curve, survival_chart


def curve(
    samples: list[float], censored: int = 0, bound: float | None = None, arm: str = "celery/stock"
) -> Curve:
    points = survival_curve(samples, [15.0] * censored)
    return Curve(arm, PLAIN, points, samples, censored, bound)


def test_without_trials_there_is_no_chart() -> None:
    assert survival_chart([curve([])], 15.0, "steps") == Markup("")


def test_every_recovery_is_a_dot_and_the_rest_is_counted() -> None:
    svg = survival_chart([curve([1.0, 2.0, 3.0], censored=2)], 15.0, "steps")
    assert svg.count('class="dot') == 3
    assert "3/5" in svg


def test_a_line_ends_at_the_share_that_recovered() -> None:
    svg = survival_chart([curve([1.0], censored=3)], 15.0, "steps")
    path = re.search(r'<path d="([^"]+)" class="curve', svg)
    assert path
    heights = [float(y) for y in re.findall(r"V([\d.]+)", path[1])]
    assert min(heights) == pytest.approx(240 * 0.75)


def test_a_bound_within_reach_is_drawn_and_one_beyond_is_pointed_at() -> None:
    near = survival_chart([curve([5.0, 6.0], bound=7.0)], 15.0, "steps")
    far = survival_chart([curve([5.0, 6.0], bound=1800.0)], 15.0, "steps")
    assert '<line x1="96.15%"' in near
    assert '<text x="100%"' in far
    assert "1800" in far


def test_labels_never_overlap() -> None:
    arms = [f"temporal/{name}" for name in "abcdef"]
    svg = survival_chart([curve([1.0], arm=arm) for arm in arms], 15.0, "steps")
    ends = sorted(float(y) for y in re.findall(r'class_?="leader|L14 ([\d.]+)H22', svg) if y)
    gaps = [after - before for before, after in itertools.pairwise(ends)]
    assert len(ends) == len(arms)
    assert min(gaps) >= 16


def test_arms_of_one_engine_differ_in_line_style_as_well_as_in_colour() -> None:
    rungs = ("stock", "tuned", "hardened")
    arms = [f"{engine}/{rung}" for engine in ("celery", "temporal") for rung in rungs]
    styles = arm_styles([*arms, "temporal/standalone", "temporal/hardened-b"])
    for engine in ("celery", "temporal"):
        own = [style for arm, style in styles.items() if arm.startswith(engine)]
        assert len({style.css for style in own}) == len({style.dash for style in own}) == len(own)


def test_arms_keep_one_order() -> None:
    arms = ["temporal/standalone", "celery/hardened", "temporal/stock", "celery/stock", "x/y"]
    assert sorted([*arms, "celery/tuned"], key=arm_key) == [
        "celery/stock",
        "celery/tuned",
        "celery/hardened",
        "temporal/stock",
        "temporal/standalone",
        "x/y",
    ]


@pytest.mark.parametrize(
    ("low", "high"), [(0.0, 6.7), (-2.3, 9.1), (0.0, 0.004), (0.0, 1804.0), (3.0, 3.0)]
)
def test_axis_values_are_few_and_inside(low: float, high: float) -> None:
    values = axis.ticks(low, high)
    assert 1 <= len(values) <= 12
    assert all(low - 1e-9 <= value <= high + 1e-9 for value in values)
