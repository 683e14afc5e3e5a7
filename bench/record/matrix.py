"""The capability matrix as a value, as JSON and as a table."""

from collections.abc import Mapping
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table
from rich.text import Text

from shared.ports.patterns import Support

_WIDE = 110
_TRIED_AS = {"celery": "Celery on Redis"}


def tried_as(engine: str) -> str:
    """Return the engine as the suite tries it, with the server where it has a choice of them."""
    return _TRIED_AS.get(engine, engine.capitalize())


@dataclass(frozen=True, slots=True)
class Cell:
    """One engine's side of a row. `passed` is None if it was not tried: what is not possible
    never is.
    """

    support: str
    passed: bool | None
    lines: int
    why: str
    because_of: str = ""
    """The server for whose sake alone the pattern is built."""

    @property
    def shown(self) -> str:
        """The support in words, with the server that asks for it."""
        return f"{self.support} for {self.because_of}" if self.because_of else self.support


@dataclass(frozen=True, slots=True)
class MatrixRow:
    """One pattern."""

    id: int
    name: str
    engines: Mapping[str, Cell]


@dataclass(frozen=True, slots=True)
class Matrix:
    """Every row, and what the patterns of an engine share, in lines."""

    rows: list[MatrixRow]
    base_lines: Mapping[str, int]

    @property
    def passed_by_cell(self) -> dict[tuple[int, str], bool]:
        """Whether it passed, by row and engine, of everything that was tried."""
        return {
            (row.id, engine): cell.passed
            for row in self.rows
            for engine, cell in row.engines.items()
            if cell.passed is not None
        }

    @property
    def untried(self) -> int:
        """How many cells could have been tried and were not."""
        cells = [cell for row in self.rows for cell in row.engines.values()]
        return sum(cell.passed is None and cell.support != Support.NOT_POSSIBLE for cell in cells)

    @property
    def passed(self) -> bool:
        """Whether everything that is possible was tried and passed."""
        return not self.untried and all(self.passed_by_cell.values())


def print_matrix(matrix: Matrix, console: Console) -> None:
    """Print a table; the reasons only where there is room for them."""
    engines = list(matrix.base_lines)
    wide = console.width >= _WIDE
    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
    table.add_column("", justify="right")
    table.add_column("Pattern")
    for engine in engines:
        table.add_column(tried_as(engine), no_wrap=True)
        table.add_column("", no_wrap=True)
        table.add_column("lines", justify="right")
        if wide:
            table.add_column("why", style="dim", ratio=1)
    for row in matrix.rows:
        cells = [entry for engine in engines for entry in _entries(row.engines[engine], wide)]
        table.add_row(str(row.id), row.name, *cells)
    console.print(table)
    base = ", ".join(f"{engine} {lines}" for engine, lines in matrix.base_lines.items())
    console.print(Text(f"Lines that the patterns share, counted in none of them: {base}"))


def _entries(cell: Cell, wide: bool) -> list[Text]:
    passed = {
        True: Text("passed", style="green"),
        False: Text("failed", style="bold red"),
        None: Text("-", style="dim"),
    }
    shown = [Text(cell.shown), passed[cell.passed], Text(str(cell.lines))]
    return [*shown, Text(cell.why)] if wide else shown
