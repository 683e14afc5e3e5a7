"""The survival curve of recovery, with every single trial below it on the same axis."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from bench.report.arms import ArmStyle
from bench.report.format import seconds, share
from bench.report.part import Part, called, template
from bench.report.svg import chart, element, label, levels, percent, plot, ticks, uprights
from bench.report.svg import curve as drawn

_PLOT = 240
_AXIS = 30
_ROW = 24
_LABEL = 17
_UNITS = 1000
_REACH = 1.6
"""A bound further out than this many times the slowest trial is pointed at, not drawn."""


@dataclass(frozen=True, slots=True)
class Curve:
    """One arm's recoveries in seconds; `censored` trials never got there within the drain.

    `points` are `(t, share recovered by t)` at every step up, from `(0, 0)` to where watching
    ended.
    """

    arm: str
    style: ArmStyle
    points: list[tuple[float, float]]
    samples: list[float]
    censored: int
    bound_s: float | None

    @property
    def trials(self) -> int:
        """How many trials the curve stands for."""
        return len(self.samples) + self.censored

    @property
    def recovered(self) -> float:
        """The share at which the line ends."""
        return self.points[-1][1]


def survival_chart(curves: Sequence[Curve], drain_s: float, what: str) -> Markup:
    """Draw the share recovered by t, one step line an arm, and the trials as dots below.

    A line whose trials did not all recover runs flat for as long as they were watched. Empty
    without trials.
    """
    curves = [curve for curve in curves if curve.trials]
    if not curves:
        return Markup("")
    right = _right_edge(curves, drain_s)
    height = _PLOT + _AXIS + _ROW * len(curves) + 6
    return chart(
        f"Share of {what} recovered by t seconds",
        levels((quarter / 4 for quarter in range(5)), _y, share),
        uprights(
            ticks(0, right),
            lambda value: percent(value, right),
            lambda value: f"{label(value)} s" if value else "0",
            from_y=_PLOT,
            to_y=height,
            word_y=_PLOT + 18,
        ),
        plot(*(_line(curve, right) for curve in curves), units=_UNITS, height=_PLOT),
        _labels(curves),
        *(
            _strip(curve, right, _PLOT + _AXIS + _ROW * place + _ROW // 2)
            for place, curve in enumerate(curves)
        ),
        height=height,
        described=_describe(curves),
        css="survival",
    )


def _right_edge(curves: Sequence[Curve], drain_s: float) -> float:
    slowest = max((max(curve.samples) for curve in curves if curve.samples), default=0.0)
    near = [c.bound_s for c in curves if c.bound_s and c.bound_s <= slowest * _REACH]
    edge = max([slowest, *near]) * 1.04
    return edge or drain_s or 1.0


def _describe(curves: Sequence[Curve]) -> str:
    return "; ".join(
        f"{curve.arm}: {len(curve.samples)} of {curve.trials} recovered"
        + (f", the slowest after {seconds(max(curve.samples))}" if curve.samples else "")
        for curve in curves
    )


def _y(part: float) -> float:
    return _PLOT * (1 - part)


def _line(curve: Curve, right: float) -> Markup:
    path = [f"M0 {_PLOT}"]
    for at, part in curve.points:
        if at <= right:
            path.append(f"H{_UNITS * at / right:.1f}V{_y(part):.1f}")
    watched = right if curve.recovered == 1 else min(right, curve.points[-1][0])
    path.append(f"H{_UNITS * watched / right:.1f}")
    return drawn("".join(path), f"curve {curve.style.css}", curve.style.dash)


def _labels(curves: Sequence[Curve]) -> Markup:
    ranked = sorted(curves, key=lambda curve: -curve.recovered)
    parts: list[str] = []
    names: list[str] = []
    y_label = -_LABEL + 4.0
    for place, curve in enumerate(ranked):
        y_end = _y(curve.recovered)
        room = _PLOT - _LABEL * (len(ranked) - 1 - place)
        y_label = min(max(y_end, y_label + _LABEL), room)
        parts.append(
            element(
                "path",
                d=f"M0 {y_end:.1f}L14 {y_label:.1f}H22",
                class_=f"leader {curve.style.css}",
                stroke_dasharray=curve.style.dash or None,
            )
        )
        names.append(_name(curve, y_label + 4))
    return element("g", element("svg", *parts, x="100%", overflow="visible"), *names)


def _strip(curve: Curve, right: float, y: int) -> Markup:
    parts: list[str] = [element("line", x1="0", x2="100%", y1=y, y2=y, class_="grid")]
    for sample in curve.samples:
        parts.append(
            element(
                "circle",
                element("title", f"{curve.arm}: {seconds(sample)}"),
                cx=percent(sample, right),
                cy=y,
                r=4,
                class_=f"dot {curve.style.css}",
            )
        )
    if curve.bound_s is not None:
        parts.append(_bound(curve.bound_s, right, y))
    counted = f"{len(curve.samples)}/{curve.trials}"
    parts.append(element("text", counted, x=-8, y=y + 4, text_anchor="end", class_="tick"))
    parts.append(_name(curve, y + 4))
    return element("g", *parts)


def _name(curve: Curve, y: float) -> Markup:
    text = element("text", curve.arm, x=27, y=y, class_=f"name {curve.style.css}")
    return element("svg", text, x="100%", overflow="visible")


def _bound(bound_s: float, right: float, y: int) -> Markup:
    title = element("title", f"the predicted bound: {seconds(bound_s)}")
    if bound_s > right:
        text = f"{seconds(bound_s)} \u203a"
        return element(
            "text", title, text, x="100%", dx=-2, y=y + 4, text_anchor="end", class_="bound"
        )
    x = percent(bound_s, right)
    return element("line", title, x1=x, x2=x, y1=y - 9, y2=y + 9, class_="bound")


def _survival(section: Any) -> Markup:
    return survival_chart(section.curves, section.drain_s, section.words.many)


def _content(page: Any) -> Any:
    return page if page.shows_cells else None


PART = Part(
    "recovery",
    called("How fast it recovered"),
    _content,
    template("recovery.html.j2", survival=_survival),
)
