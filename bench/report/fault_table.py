"""Fault x arm at a glance: what became of what was struck, and whether that had been promised."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rich.console import Console
from rich.table import Table as RichTable
from rich.text import Text

from bench.record.metrics import Bucket, CellMetrics, Documented, Metrics, Rate
from bench.record.run_info import AbsentCell
from bench.report.arms import PLAIN, ArmStyle, arm_key
from bench.report.format import (
    TERMINAL_STYLES,
    Shown,
    Tone,
    count,
    exact,
    given,
    missing,
    seconds,
    seconds_range,
)
from bench.report.part import Part, called, template
from bench.report.words import compute_words, fault_key, fault_words, is_control, plural

_MORE_KINDS_THAN = 2
_AGREES, _DIFFERS = "=", "\u2260"
_ENDS = {
    Bucket.UNRECOVERED: "unrecovered at T",
    Bucket.FAILED: "failed",
    Bucket.PHANTOM: "phantoms",
    Bucket.UNKNOWN: "unknown",
}


@dataclass(frozen=True, slots=True)
class FaultArm:
    """One column."""

    name: str
    style: ArmStyle


@dataclass(frozen=True, slots=True)
class Promise:
    """What the documentation promises of a cell, and each measure that this means, as it came out.

    `text` says why if nothing is promised; `source` and `measures` are empty then.
    """

    arm: str
    text: str
    source: str = ""
    measures: Sequence[str] = ()
    """`= started again: each expected, 5 of 5 seen`."""


@dataclass(frozen=True, slots=True)
class FaultRow:
    """One kind of fault: an entry an arm, and what had been promised of it."""

    title: str
    name: str
    entries: list[Shown]
    promises: list[Promise]


@dataclass(frozen=True, slots=True)
class FaultTable:
    """Everything about the faults of a run on one table. `differences` names each that differs."""

    sentence: str
    arms: list[FaultArm]
    rows: list[FaultRow]
    differences: list[str]

    @property
    def kinds(self) -> set[str]:
        """The kinds of fault on it."""
        return {row.name for row in self.rows}


def build_fault_table(
    metrics: Metrics, absent: Iterable[AbsentCell], styles: Mapping[str, ArmStyle]
) -> FaultTable | None:
    """Return the table, None for a run of fewer than three kinds of fault."""
    cells = [cell for cell in metrics.cells if not is_control(cell.fault)]
    reasons = {(each.fault, each.arm): each.why for each in absent}
    tried = {cell.fault for cell in cells} | {fault for fault, _ in reasons}
    faults = sorted(tried, key=fault_key)
    if len(faults) <= _MORE_KINDS_THAN:
        return None
    arms = sorted({cell.arm for cell in cells} | {arm for _, arm in reasons}, key=arm_key)
    drivers = list(dict.fromkeys(cell.compute for cell in cells))
    rows = []
    for fault in faults:
        for driver in drivers:
            here = [cell for cell in cells if (cell.fault, cell.compute) == (fault, driver)]
            parts = _without_a_repeated_arm(here)
            for stages, part in parts:
                title = fault_words(fault).title
                if len(drivers) > 1:
                    title += f", {compute_words(driver)}"
                if part is not parts[0][1]:
                    title += f" (stage {' and '.join(stages)})"
                rows.append(_row(title, fault, arms, part, reasons))
    return FaultTable(
        _sentence(cells, metrics.as_documented or Rate(0, 0, None), len(reasons)),
        [FaultArm(arm, styles.get(arm, PLAIN)) for arm in arms],
        rows,
        [
            f"{fault_words(cell.fault).title}, {cell.arm}, {difference}"
            for cell in cells
            for difference in (cell.documented.differences if cell.documented else [])
        ],
    )


def _without_a_repeated_arm(
    cells: Sequence[CellMetrics],
) -> list[tuple[list[str], list[CellMetrics]]]:
    """Return the cells in parts, each with its stages, in which an arm stands but once."""
    parts: list[tuple[list[str], list[CellMetrics]]] = []
    for stage in dict.fromkeys(cell.id.partition("/")[0] for cell in cells):
        own = [cell for cell in cells if cell.id.partition("/")[0] == stage]
        if parts and not {cell.arm for cell in own} & {cell.arm for cell in parts[-1][1]}:
            parts[-1][0].append(stage)
            parts[-1][1].extend(own)
        else:
            parts.append(([stage], own))
    return parts


def _row(
    title: str,
    fault: str,
    arms: Sequence[str],
    cells: Sequence[CellMetrics],
    reasons: Mapping[tuple[str, str], str],
) -> FaultRow:
    by_arm = {cell.arm: cell for cell in cells}
    entries, promises = [], []
    for arm in arms:
        cell, why = by_arm.get(arm), reasons.get((fault, arm))
        entries.append(_shown(cell) if cell else missing(why or "", why or "not tried"))
        promises.append(_promise(arm, why, cell.documented if cell else None))
    return FaultRow(title, fault, entries, promises)


def _promise(arm: str, why_absent: str | None, found: Documented | None) -> Promise:
    if found is None:
        return Promise(arm, why_absent or "nothing is promised")
    measures = [
        f"{_AGREES if comparison.agrees else _DIFFERS} {comparison.text}"
        for comparison in found.comparisons
    ]
    return Promise(arm, found.promise, found.source, measures)


def _shown(cell: CellMetrics) -> Shown:
    """`= 0/5`: lost of confirmed; below it what else became of them, in words."""
    lost, found = cell.lost_per_fault.hits, cell.documented
    mark, note = "", ""
    if found is not None and found.seen:
        mark = _AGREES if found.agrees else _DIFFERS
        note = "; ".join([*found.differences, f"promised: {found.promise}"])
    return Shown(
        f"{mark} {count(lost)}/{count(cell.faults_confirmed)}".strip(),
        exact([lost, cell.faults_confirmed]),
        ", ".join(_words(cell)),
        note,
        _tone(cell),
    )


def _tone(cell: CellMetrics) -> Tone:
    if cell.buckets.get(Bucket.LOST) or cell.duplicate_effects:
        return Tone.ALARM
    if cell.documented is not None and not cell.documented.agrees:
        return Tone.WARNING
    left = any(trial.confirmed and trial.bucket in _ENDS for trial in cell.trial_list)
    return Tone.PLAIN if left else Tone.QUIET


def _words(cell: CellMetrics) -> list[str]:
    struck = [trial for trial in cell.trial_list if trial.confirmed]
    said = []
    for bucket, words in _ENDS.items():
        if number := sum(trial.bucket is bucket for trial in struck):
            said.append(f"{count(number)} {words}")
    if beside := cell.buckets.get(Bucket.LOST, 0) - cell.lost_per_fault.hits:
        said.append(f"{count(beside)} lost beside")
    if cell.graceful:
        said.append(f"{count(cell.graceful)} finished the step")
    stopped = [trial.stopped_s for trial in struck if trial.stopped_s is not None]
    if stopped:
        said.append(f"{count(len(stopped))} stopped within {seconds(max(stopped))}")
    if cell.re_executions:
        said.append(f"{count(cell.re_executions)} repeated")
    if cell.duplicate_effects:
        said.append(f"{plural(cell.duplicate_effects, 'effect')} applied twice")
    said += _recovery(cell)
    completed = sum(trial.bucket is Bucket.COMPLETED for trial in struck)
    return said or [f"{count(completed)} completed"]


def _recovery(cell: CellMetrics) -> list[str]:
    times = cell.recovery_s
    if not times.samples and not times.censored:
        return []
    if cell.too_busy:
        return ["the machine was too busy to tell when"]
    bound = cell.predicted_bound_s
    limit = "no bound" if bound is None else f"bound {given(bound)}"
    if times.median is not None:
        return [f"again after {seconds(times.median)} ({limit})"]
    got, of = len(times.samples), len(times.samples) + times.censored
    if not got:
        return [f"none started again ({limit})"]
    low, high = times.samples[0], times.samples[-1]
    when = seconds(low) if got == 1 else seconds_range(low, high)
    return [f"{got} of {of} again after {when} ({limit})"]


def _sentence(cells: Sequence[CellMetrics], agree: Rate, absent: int) -> str:
    said = f"{agree.hits} of {plural(agree.of, 'cell')} came out as the documentation promises"
    if len(cells) > agree.of:
        said += f"; of {len(cells) - agree.of} nothing is promised, or no fault was confirmed"
    if absent:
        said += f"; {plural(absent, 'cell')} cannot exist"
    return f"{said}."


def _print(table: FaultTable, _: Any, console: Console) -> None:
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
        entries = (Text(entry.text, style=TERMINAL_STYLES[entry.tone]) for entry in row.entries)
        shown.add_row(row.name, *entries)
    console.print(shown)
    console.print(Text(table.sentence))
    for difference in table.differences:
        console.print(Text(f"  ≠ {difference}", style="yellow"))


def _content(page: Any) -> Any:
    return page.faults


PART = Part(
    "faults",
    called("What each fault did"),
    _content,
    template("faults.html.j2"),
    template("faults.md.j2"),
    terminal=_print,
)
