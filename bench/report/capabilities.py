"""The capability section: pattern x engine, the same entries for the page and the Markdown file."""

from dataclasses import dataclass
from typing import Any

from bench.record.matrix import Cell, Matrix, tried_as
from bench.record.run_info import CapabilityInfo
from bench.report.arms import PLAIN, ArmStyle
from bench.report.format import Shown, Tone, date, exact
from bench.report.part import Part, template
from bench.report.words import plural
from shared.ports.patterns import Support

_STYLES = {
    "celery": ArmStyle("arm-celery-1", ""),
    "temporal": ArmStyle("arm-temporal-1", ""),
}
_OUTCOMES = {True: ("\u2713", "passed"), False: ("\u2717", "failed"), None: ("", "not run")}
_NOT_RUN = "Not run on this source: `changeover capabilities` tries every row."


@dataclass(frozen=True, slots=True)
class EngineColumn:
    """One engine, and the lines that its patterns share."""

    name: str
    style: ArmStyle
    base_lines: int


@dataclass(frozen=True, slots=True)
class PatternRow:
    """One pattern: an entry an engine, its reason in the note."""

    id: int
    name: str
    entries: list[Shown]


@dataclass(frozen=True, slots=True)
class CapabilitySection:
    """Everything about the matrix that a report shows. `tried` is the line over the table."""

    sentences: list[str]
    tried: str
    engines: list[EngineColumn]
    rows: list[PatternRow]


def build_capabilities(
    info: CapabilityInfo | None, run_id: str, sentences: list[str]
) -> CapabilitySection | None:
    """Return the section of the run `run_id`, None for a run that recorded no matrix."""
    if info is None:
        return None
    return CapabilitySection(
        sentences,
        _tried(info, run_id),
        [
            EngineColumn(tried_as(engine), _STYLES.get(engine, PLAIN), lines)
            for engine, lines in info.matrix.base_lines.items()
        ],
        [
            PatternRow(
                row.id, row.name, [_shown(row.engines[engine]) for engine in info.matrix.base_lines]
            )
            for row in info.matrix.rows
        ],
    )


def _tried(info: CapabilityInfo, run_id: str) -> str:
    if info.run_id is None or info.started_at is None:
        return _NOT_RUN
    where = "this run"
    if info.run_id != run_id:
        where = f"run {info.run_id} of {date(info.started_at)}, on the same source and versions"
    tallies = [_tally(info.matrix, engine) for engine in info.matrix.base_lines]
    return f"Tried by {where}: {', '.join(tallies)}."


def _tally(matrix: Matrix, engine: str) -> str:
    """`Celery on Redis passed 22 of 24 (1 not run)`; what is not possible is in neither number."""
    cells = [row.engines[engine] for row in matrix.rows]
    possible = [cell for cell in cells if cell.support != Support.NOT_POSSIBLE]
    untried = sum(cell.passed is None for cell in possible)
    passed = sum(cell.passed is True for cell in possible)
    said = f"{tried_as(engine)} passed {passed} of {len(possible)}"
    return f"{said} ({untried} not run)" if untried else said


def _shown(cell: Cell) -> Shown:
    """`x native`; below it whether its tests passed, in words, and the lines that it took."""
    if cell.support == Support.NOT_POSSIBLE:
        return Shown(cell.support, exact(0), note=cell.why, tone=Tone.QUIET)
    mark, outcome = _OUTCOMES[cell.passed]
    return Shown(
        f"{mark} {cell.shown}".strip(),
        exact(cell.lines),
        f"{outcome}, {plural(cell.lines, 'line')}",
        cell.why,
        Tone.ALARM if cell.passed is False else Tone.PLAIN,
    )


def _content(page: Any) -> Any:
    return page.capabilities


PART = Part(
    "capabilities",
    lambda page: "What each engine can do" if page.submits else "Pattern by pattern",
    _content,
    template("capabilities.html.j2"),
    template("capabilities.md.j2"),
)
