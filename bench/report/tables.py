"""The tables of the report, the same rows for the page, the Markdown file and the terminal."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from rich.console import Console
from rich.table import Table as RichTable
from rich.text import Text

from bench.record.metrics import CellMetrics
from bench.record.run_info import CellInfo
from bench.report.arms import PLAIN, ArmStyle, arm_key
from bench.report.format import NONE, TERMINAL_STYLES, Shown
from bench.report.part import Part, called, template

_WIDE = 130

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


def _print(sections: Any, page: Any, console: Console) -> None:
    """One table a fault and driver, where no table has them all."""
    for section in sections if page.faults is None else []:
        console.print()
        console.print(Text(section.title, style="bold underline"))
        console.print(_table(section.table, console.width))


def _table(table: Table, width: int) -> RichTable:
    places = [place for place, column in enumerate(table.columns) if width >= _WIDE or column.brief]
    shown = RichTable(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
    shown.add_column("Arm", no_wrap=True)
    for place in places:
        shown.add_column(table.columns[place].label, justify="right", vertical="top")
    for row in table.rows:
        name = row.arm if width >= _WIDE else row.arm.replace("/", "/\n", 1)
        shown.add_row(name, *(_entry(row.entries[place], width) for place in places))
    return shown


def _entry(entry: Shown, width: int) -> Text:
    text = Text(entry.text, style=TERMINAL_STYLES[entry.tone])
    if entry.detail and width >= _WIDE:
        text.append(f"\n{entry.detail}", style="dim")
    return text


def _content(page: Any) -> Any:
    # A run without cells says so, where it shows nothing else.
    return (page.sections or [()]) if page.shows_cells else None


PART = Part(
    "numbers",
    called("The numbers"),
    _content,
    template("numbers.html.j2"),
    template("numbers.md.j2"),
    terminal=_print,
)
