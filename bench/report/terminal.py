"""The end of a run in a terminal, wide or narrow: the answer, the tables, where the report is."""

from pathlib import Path

from rich.console import Console
from rich.text import Text

from bench.record.metrics import Verdict
from bench.report.measures import VERDICT_MARKS
from bench.report.page import Page
from bench.report.parts import PARTS

_VERDICTS = {Verdict.VALID: "green", Verdict.UNKNOWN: "yellow", Verdict.INVALID: "bold red"}


def print_report(page: Page, report: Path, console: Console) -> None:
    """Print the answer, what the parts have for a terminal, the verdicts and the report's path."""
    console.print()
    for sentence in page.metrics.answer:
        console.print(Text(sentence, style="bold"))
    for part in PARTS:
        if part.terminal and (shown := part.content(page)):
            part.terminal(shown, page, console)
    console.print()
    _print_verdicts(page, console)
    console.print(Text(f"Report: {report}"), soft_wrap=True)


def _print_verdicts(page: Page, console: Console) -> None:
    run = page.metrics.verdict
    console.print(Text(f"Verdict: {VERDICT_MARKS[run]} {run.value}", style=_VERDICTS[run]))
    for cell in page.metrics.judged:
        for check in cell.checks:
            if check.verdict is not Verdict.VALID:
                mark = f"  {VERDICT_MARKS[check.verdict]} {cell.id}: {check.name}: {check.detail}"
                console.print(Text(mark, style=_VERDICTS[check.verdict]))
    for doubt in page.twins.doubts if page.twins else []:
        console.print(Text(f"  {doubt}", style=_VERDICTS[run]))
