"""What a verb tells on the console while it runs, and what it found before."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

from rich.console import Console

from bench.arms.preflight import Finding, Level


@contextmanager
def saying(console: Console) -> Iterator[Callable[[str], None]]:
    """Give what says where a run is: in one line that changes, without a terminal in many."""
    with console.status("") as status:

        def say(what: str) -> None:
            status.update(what)
            if not console.is_terminal:
                console.print(what, markup=False)

        yield say


def print_findings(findings: Iterable[Finding], console: Console) -> None:
    """Print a line a finding, with the remedy of what is not well."""
    for found in findings:
        remedy = "" if found.level is Level.OK else f"; {found.remedy}"
        line = f"{found.level.value:8}{found.what}: {found.detail}{remedy}"
        console.print(line, markup=False, highlight=False)
