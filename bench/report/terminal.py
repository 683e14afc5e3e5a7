"""The end of a run in a terminal, wide or narrow: the answer, the table, where the report is."""

from pathlib import Path

from rich.console import Console
from rich.table import Table as RichTable
from rich.text import Text

from bench.record.metrics import Verdict
from bench.report.fault_table import FaultTable
from bench.report.format import Shown, Tone
from bench.report.idempotency import IdempotencySection
from bench.report.measures import VERDICT_MARKS
from bench.report.page import Page, Section

_WIDE = 130
_STYLES = {Tone.PLAIN: "", Tone.QUIET: "dim", Tone.WARNING: "yellow", Tone.ALARM: "bold red"}
_VERDICTS = {Verdict.VALID: "green", Verdict.UNKNOWN: "yellow", Verdict.INVALID: "bold red"}


def print_report(page: Page, report: Path, console: Console) -> None:
    """Print the answer, one table a fault and driver, the verdicts and the report's path."""
    console.print()
    for sentence in page.metrics.answer:
        console.print(Text(sentence, style="bold"))
    if page.faults is not None:
        _print_faults(page.faults, console)
    else:
        for section in page.sections:
            console.print()
            console.print(Text(section.title, style="bold underline"))
            console.print(_table(section, console.width))
    if page.idempotency is not None:
        _print_idempotency(page.idempotency, page, console)
    console.print()
    _print_verdicts(page, console)
    console.print(Text(f"Report: {report}"), soft_wrap=True)


def _print_faults(table: FaultTable, console: Console) -> None:
    console.print()
    console.print(Text("What each fault did to each arm", style="bold underline"))
    console.print(
        Text("lost / confirmed; = as promised, ≠ not as promised", style="dim"), soft_wrap=True
    )
    shown = RichTable(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
    shown.add_column("")
    for arm in table.arms:
        shown.add_column(arm.name.replace("/", "/\n", 1), no_wrap=True)
    for row in table.rows:
        entries = (Text(entry.text, style=_STYLES[entry.tone]) for entry in row.entries)
        shown.add_row(row.name, *entries)
    console.print(shown)
    console.print(Text(table.sentence))
    for difference in table.differences:
        console.print(Text(f"  ≠ {difference}", style="yellow"))


def _table(section: Section, width: int) -> RichTable:
    table = section.table
    places = [place for place, column in enumerate(table.columns) if width >= _WIDE or column.brief]
    shown = RichTable(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
    shown.add_column("Arm", no_wrap=True)
    for place in places:
        shown.add_column(table.columns[place].label, justify="right", vertical="top")
    for row in table.rows:
        name = row.arm if width >= _WIDE else row.arm.replace("/", "/\n", 1)
        shown.add_row(name, *(_entry(row.entries[place], width) for place in places))
    return shown


def _print_idempotency(section: IdempotencySection, page: Page, console: Console) -> None:
    console.print()
    console.print(Text("What each guard repeated", style="bold underline"))
    console.print(
        Text("duplicate executions / duplicate effects / phantoms", style="dim"), soft_wrap=True
    )
    if page.sections:
        for sentence in section.sentences:
            console.print(Text(sentence))
    shown = RichTable(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
    shown.add_column("")
    for mode in section.modes:
        shown.add_column(mode, no_wrap=True, overflow="fold")
    for group in section.groups:
        shown.add_row(Text(group.title, style="bold"))
        for row in group.rows:
            entries = (Text(entry.text, style=_STYLES[entry.tone]) for entry in row.entries)
            shown.add_row(f"  {row.arm}", *entries)
    console.print(shown)


def _entry(entry: Shown, width: int) -> Text:
    text = Text(entry.text, style=_STYLES[entry.tone])
    if entry.detail and width >= _WIDE:
        text.append(f"\n{entry.detail}", style="dim")
    return text


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
