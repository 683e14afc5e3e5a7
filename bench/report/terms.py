"""Where each second of a recovery comes from: one stacked bar an arm, and the same in words."""

from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup
from rich.console import Console
from rich.text import Text

from bench.record.metrics import CellMetrics
from bench.record.terms import Term
from bench.report.arms import ArmStyle
from bench.report.format import seconds
from bench.report.part import Part, called, template
from bench.report.svg import chart, element, label, percent, ticks, uprights

_ROW = 34
_BAR = 16
_NAME = 14
"""Room for the arm's name above its bar."""
_AXIS = 24

WORDS = {
    Term.CLOCK: "the clock that notices a dead worker ran on",
    Term.HANDING_OUT: "handing out: a sweep, or backoff and timers",
    Term.QUEUE: "every worker busy",
    Term.START: "a worker starting",
    Term.LEASE: "the dead attempt's lease",
}


def terms_chart(cells: Sequence[CellMetrics], styles: Mapping[str, ArmStyle]) -> Markup:
    """Draw the mean of each term, an arm below the other, on one axis of seconds."""
    right = max(sum(cell.terms_s.values()) for cell in cells) * 1.04 or 1.0
    bottom = _ROW * len(cells)
    return chart(
        "Mean seconds from the fault until another attempt was at work, by what they were spent on",
        uprights(
            ticks(0, right),
            lambda value: percent(value, right),
            lambda value: f"{label(value)} s" if value else "0",
            from_y=0,
            to_y=bottom,
            word_y=bottom + 16,
        ),
        *(_bar(cell, styles, right, _ROW * place) for place, cell in enumerate(cells)),
        height=bottom + _AXIS,
        described=" ".join(cell.terms_said for cell in cells),
        css="terms",
    )


def _bar(cell: CellMetrics, styles: Mapping[str, ArmStyle], right: float, top: int) -> Markup:
    css = styles[cell.arm].css
    total = seconds(sum(cell.terms_s.values()))
    name = f"{cell.arm}, {total} in {len(cell.recovery_s.samples)} recoveries"
    parts: list[str] = [element("text", name, x=0, y=top + _NAME - 3, class_=f"name {css}")]
    at = 0.0
    for term, length in cell.terms_s.items():
        if length > 0:
            title = element("title", f"{cell.arm}: {seconds(length)}, {WORDS[Term(term)]}")
            parts.append(
                element(
                    "rect",
                    title,
                    x=percent(at, right),
                    y=top + _NAME,
                    width=percent(length, right),
                    height=_BAR,
                    class_=f"term-{Term(term)} {css}",
                )
            )
        at += length
    return element("g", *parts)


def _of(section: Any) -> list[CellMetrics]:
    return [cell for cell in section.cells if cell.terms_s]


def _content(page: Any) -> Any:
    return [(section, cells) for section in page.sections if (cells := _of(section))]


def _print(shown: Any, _: Any, console: Console) -> None:
    console.print()
    for section, cells in shown:
        if len(shown) > 1:
            console.print(Text(section.title, style="dim"))
        for cell in cells:
            console.print(Text(cell.terms_said))


PART = Part(
    "terms",
    called("Where each second comes from"),
    _content,
    template("terms.html.j2", terms_chart=terms_chart, words=WORDS),
    template("terms.md.j2"),
    _print,
)
