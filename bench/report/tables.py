"""The tables of the report, the same rows for the page, the Markdown file and the terminal."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from bench.record.metrics import CellMetrics
from bench.record.run_info import CellInfo
from bench.report.arms import PLAIN, ArmStyle, arm_key
from bench.report.format import NONE, Shown

Numbers = Callable[[CellMetrics, CellInfo | None], Shown]


@dataclass(frozen=True, slots=True)
class Column:
    """One measure: its heading, what it means, and how a cell is read for it.

    `brief` columns are the ones that a narrow terminal keeps.
    """

    key: str
    label: str
    explain: str
    read: Numbers
    brief: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    """One arm's line."""

    arm: str
    style: ArmStyle
    entries: list[Shown]


@dataclass(frozen=True, slots=True)
class Table:
    """One row an arm."""

    columns: list[Column]
    rows: list[Row]

    @property
    def notes(self) -> list[str]:
        """What the dashes and flags mean, once each, with the arms that it concerns."""
        arms: dict[tuple[str, str, str], list[str]] = {}
        for row in self.rows:
            for column, entry in zip(self.columns, row.entries, strict=True):
                if entry.note:
                    key = (entry.text if entry.text == NONE else "", column.label, entry.note)
                    arms.setdefault(key, []).append(row.arm)
        return [
            f"{mark} {label} ({', '.join(names)}): {note}.".strip()
            for (mark, label, note), names in arms.items()
        ]


def build_table(
    columns: list[Column],
    cells: list[CellMetrics],
    infos: Mapping[str, CellInfo],
    styles: Mapping[str, ArmStyle],
) -> Table:
    """Read every column off every cell, arms in their order."""
    return Table(
        columns,
        [
            Row(
                cell.arm,
                styles.get(cell.arm, PLAIN),
                [column.read(cell, infos.get(cell.id)) for column in columns],
            )
            for cell in sorted(cells, key=lambda cell: (arm_key(cell.arm), cell.id))
        ],
    )
