"""One panel of the frontier: recovery across, a cost upwards, one mark a budget."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from markupsafe import Markup

from bench.record.frontier import FrontierPoint
from bench.report.arms import ArmStyle
from bench.report.format import given, seconds
from bench.report.frontier import FrontierPanel
from bench.report.part import Part, called, template
from bench.report.svg import chart, curve, element, label, levels, plot, ticks, uprights

_PLOT = 200
_FOOT = 34
"""Room under the zero line for the marks' labels, which lie there if a cost is nothing."""
_AXIS = 42
_ABOVE = (-9, -22, -35)
_BELOW = 18
_UNITS = 1000
_ROUND = (1, 2, 5)

Cost = Callable[[FrontierPoint], float]


def repeats_chart(panel: FrontierPanel) -> Markup:
    """Draw median recovery against needless repeats."""
    return _chart(panel, lambda point: point.repeats_a_job, "needless repeats a job")


def waste_chart(panel: FrontierPanel) -> Markup:
    """Draw median recovery against the seconds that were wasted."""
    return _chart(panel, lambda point: point.wasted_a_job_s, "seconds wasted a job")


def _chart(panel: FrontierPanel, cost: Cost, what: str) -> Markup:
    """Draw median recovery (logarithmic) against `cost`, the marks of an arm joined by budget.

    Points without a recovery have no place and are left out; empty if none is left.
    """
    points = [point for point in panel.points if point.recovery_s]
    if not points:
        return Markup("")
    times = [point.recovery_s or 0.0 for point in points]
    across = _Log(min(times) / 1.35, max(times) * 1.35)
    top = max(map(cost, points)) * 1.18 or 1.0
    arms = list(dict.fromkeys(point.arm for point in points))
    by_arm = [[point for point in points if point.arm == arm] for arm in arms]
    return chart(
        f"Median recovery against {what}",
        _grid(across, top, what),
        plot(
            *(_line(of_arm, panel.styles, cost, across, top) for of_arm in by_arm),
            units=_UNITS,
            height=_PLOT,
        ),
        *(
            _marks(of_arm, panel.styles, cost, across, top, place)
            for place, of_arm in enumerate(by_arm)
        ),
        height=_PLOT + _FOOT + _AXIS,
        described=_describe(points, cost, what),
        css="frontier",
    )


class _Log:
    """A logarithmic axis from `low` to `high`, both above zero."""

    def __init__(self, low: float, high: float) -> None:
        self._low = math.log(low)
        self._span = math.log(high) - self._low
        self.ticks = [
            value
            for power in range(-3, 5)
            for factor in _ROUND
            if low <= (value := factor * 10.0**power) <= high
        ]

    def share(self, value: float) -> float:
        """Return where `value` lies, from 0 to 1."""
        return (math.log(value) - self._low) / self._span

    def percent(self, value: float) -> str:
        """Return where `value` lies as an x."""
        return f"{100 * self.share(value):.2f}%"


def _y(value: float, top: float) -> float:
    return _PLOT * (1 - value / top)


def _describe(points: Sequence[FrontierPoint], cost: Cost, what: str) -> str:
    return "; ".join(
        f"{point.arm}, budget {given(point.budget_s)}: {seconds(point.recovery_s or 0.0)}, "
        f"{cost(point):.2f} {what}"
        for point in points
    )


def _grid(across: _Log, top: float, what: str) -> Markup:
    bottom, caption = _PLOT + _FOOT, "median recovery (logarithmic)"
    return element(
        "g",
        element("text", what, x=0, y=-14, class_="tick"),
        levels(ticks(0, top, about=4), lambda value: _y(value, top), label),
        uprights(
            across.ticks,
            across.percent,
            lambda value: f"{label(value)} s",
            from_y=0,
            to_y=bottom,
            word_y=bottom + 16,
        ),
        element("text", caption, x="100%", y=bottom + 34, text_anchor="end", class_="tick"),
    )


def _line(
    points: Sequence[FrontierPoint],
    styles: Mapping[str, ArmStyle],
    cost: Cost,
    across: _Log,
    top: float,
) -> Markup:
    places = [
        f"{_UNITS * across.share(point.recovery_s or 0.0):.1f} {_y(cost(point), top):.1f}"
        for point in sorted(points, key=lambda point: point.budget_s)
    ]
    style = styles[points[0].arm]
    return curve(f"M{'L'.join(places)}", f"curve thin {style.css}", style.dash)


def _marks(
    points: Sequence[FrontierPoint],
    styles: Mapping[str, ArmStyle],
    cost: Cost,
    across: _Log,
    top: float,
    place: int,
) -> Markup:
    """The last arm's labels lie below its marks, the others' above, each on a level of its own."""
    parts: list[str] = []
    for point in points:
        x, y = across.percent(point.recovery_s or 0.0), _y(cost(point), top)
        title = (
            f"{point.arm}, budget {given(point.budget_s)}: median recovery "
            f"{seconds(point.recovery_s or 0.0)}, {cost(point):.2f}"
        )
        css = styles[point.arm].css
        parts.append(
            element("circle", element("title", title), cx=x, cy=y, r=5, class_=f"dot {css}")
        )
        dy = _BELOW if place == 2 else _ABOVE[min(place, len(_ABOVE) - 1)]
        parts.append(
            element(
                "text",
                given(point.budget_s),
                x=x,
                y=y + dy,
                text_anchor="middle",
                class_=f"name halo {css}",
            )
        )
    return element("g", *parts)


def _content(page: Any) -> Any:
    return page.frontier


PART = Part(
    "frontier",
    called("What a shorter budget buys"),
    _content,
    template("frontier.html.j2", repeats_chart=repeats_chart, waste_chart=waste_chart),
    template("frontier.md.j2"),
)
