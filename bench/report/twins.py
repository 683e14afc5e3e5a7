"""The twins section: an arm beside itself, apart from the arms that are compared."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bench.record.metrics import CellMetrics, Check, TwinMetrics, Verdict
from bench.record.run_info import CellInfo
from bench.report.arms import ArmStyle
from bench.report.columns import CONTROL_COLUMNS, fault_columns
from bench.report.part import Part, called, template
from bench.report.tables import Table, build_table
from bench.report.words import compute_words, fault_words, is_control

_SHOWN = ("confirmed", "lost", "recovery", "jobs", "completed", "end_to_end", "verdict")


@dataclass(frozen=True, slots=True)
class TwinPair:
    """One cell and its repetition: two rows, and what the checks found."""

    title: str
    table: Table
    checks: list[Check]


@dataclass(frozen=True, slots=True)
class TwinSection:
    """Every pair of the run."""

    pairs: list[TwinPair]

    @property
    def doubts(self) -> list[str]:
        """What is against trusting this run, one sentence a check that fell short."""
        return [
            f"{pair.title}: {check.detail}"
            for pair in self.pairs
            for check in pair.checks
            if check.verdict is not Verdict.VALID
        ]


def build_twins(
    twins: Sequence[TwinMetrics],
    cells: Sequence[CellMetrics],
    infos: Sequence[CellInfo],
    styles: Mapping[str, ArmStyle],
) -> TwinSection | None:
    """Return the section, None for a run without twins. `infos` are those of all cells."""
    if not twins:
        return None
    by_id = {cell.id: cell for cell in cells}
    info_of = {info.id: info for info in infos}
    return TwinSection([_pair(by_id[pair.of], pair, info_of, styles) for pair in twins])


def _pair(
    cell: CellMetrics,
    pair: TwinMetrics,
    infos: Mapping[str, CellInfo],
    styles: Mapping[str, ArmStyle],
) -> TwinPair:
    control = is_control(cell.fault)
    columns = CONTROL_COLUMNS if control else fault_columns(cell.fault)
    what = "No fault (control)" if control else fault_words(cell.fault).title
    return TwinPair(
        f"{what}, {compute_words(cell.compute)}, on {cell.arm}",
        build_table(
            [column for column in columns if column.key in _SHOWN],
            [cell, pair.twin],
            infos,
            {pair.twin.arm: styles[cell.arm], **styles},
        ),
        pair.checks,
    )


def _content(page: Any) -> Any:
    return page.twins


PART = Part(
    "twins",
    called("The same arm beside itself"),
    _content,
    template("twins.html.j2"),
    template("twins.md.j2"),
)
