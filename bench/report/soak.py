"""The soak section: what struck each arm, what became of its jobs, and how steadily it worked."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from bench.record.metrics import Bucket, CellMetrics, SoakFaultMetrics
from bench.record.run_info import CellInfo
from bench.report.arms import PLAIN, ArmStyle, arm_key
from bench.report.format import Shown, count, exact, given, median, missing, seconds, tally
from bench.report.measures import VERDICT_MARKS
from bench.report.part import Part, called, template
from bench.report.svg import chart, curve, label, levels, percent, plot, ticks, uprights

_PLOT, _FOOT, _UNITS = 160, 26, 1000
_BAD = (Bucket.FAILED, Bucket.LOST, Bucket.UNRECOVERED, Bucket.PHANTOM, Bucket.UNKNOWN)


@dataclass(frozen=True, slots=True)
class SoakMeasure:
    """What one line is about, and what it means."""

    key: str
    label: str
    explain: str


@dataclass(frozen=True, slots=True)
class SoakLine:
    """One measure, an entry an arm."""

    measure: SoakMeasure
    entries: list[Shown]


@dataclass(frozen=True, slots=True)
class SoakTable:
    """One column an arm: measures are many, and arms are few."""

    arms: list[tuple[str, ArmStyle]]
    lines: list[SoakLine]


@dataclass(frozen=True, slots=True)
class SoakSection:
    """Everything about a soak that a report shows."""

    sentences: list[str]
    outcome: SoakTable
    faults: SoakTable
    entries: list[CellMetrics]
    """What the jobs completed a minute are drawn from."""
    absent: list[str]


_OUTCOME = [
    SoakMeasure("kills", "Process kills", "Processes ended by SIGKILL, whole workers and children"),
    SoakMeasure("faults", "Faults struck", "Seen in the process table, of those planned"),
    SoakMeasure("jobs", "Jobs", "Submitted while faults struck"),
    SoakMeasure("rejected", "Refused", "Submits that the facade refused, most of them tried again"),
    SoakMeasure("completed", "Completed", "Succeeded, readable, every owed effect applied"),
    *(SoakMeasure(bucket.value, bucket.value.capitalize(), f"Jobs {bucket}") for bucket in _BAD),
    SoakMeasure("duplicate_effects", "Duplicate effects", "Effects applied more than once"),
    SoakMeasure("suppressed", "Stopped by the key", "Repeats that the receiver knew by their key"),
    SoakMeasure("duplicates", "Duplicate executions", "Attempts beyond the first that finished"),
    SoakMeasure("re_executions", "Re-executions", "Attempts beyond the first"),
    SoakMeasure("end_to_end", "End to end", "Median from the intended submit to the last step"),
    SoakMeasure("verdict", "Verdict", "The worst of the arm's checks"),
]


def build_soak(
    entries: Sequence[CellMetrics],
    infos: Sequence[CellInfo],
    styles: Mapping[str, ArmStyle],
    sentences: list[str],
) -> SoakSection | None:
    """Return the section, None for a run without a soak."""
    if not entries:
        return None
    ordered = sorted(entries, key=lambda entry: arm_key(entry.arm))
    arms = [(entry.arm, styles.get(entry.arm, PLAIN)) for entry in ordered]
    return SoakSection(
        sentences,
        SoakTable(arms, _lines(_OUTCOME, [_outcome(entry) for entry in ordered])),
        SoakTable(arms, _faults(ordered)),
        ordered,
        [
            f"{info.arm}: {what} cannot exist: {why}."
            for info in infos
            for what, why in info.absent.items()
        ],
    )


def _outcome(entry: CellMetrics) -> list[Shown]:
    buckets = entry.buckets
    struck = f"of {count(entry.trials)} planned"
    return [
        tally(entry.kills),
        Shown(count(entry.faults_confirmed), exact(entry.faults_confirmed), struck),
        tally(entry.jobs),
        tally(buckets.get(Bucket.REJECTED, 0)),
        tally(buckets.get(Bucket.COMPLETED, 0)),
        *(tally(buckets.get(bucket, 0), bad=True) for bucket in _BAD),
        tally(entry.duplicate_effects, bad=True),
        tally(entry.suppressed_effects),
        tally(entry.duplicate_executions),
        tally(entry.re_executions),
        median(entry.end_to_end_s, "completed"),
        Shown(f"{VERDICT_MARKS[entry.verdict]} {entry.verdict}", exact(entry.verdict)),
    ]


def _lines(measures: Sequence[SoakMeasure], by_arm: Sequence[list[Shown]]) -> list[SoakLine]:
    entries = zip(*by_arm, strict=True)
    return [SoakLine(measure, list(of)) for measure, of in zip(measures, entries, strict=True)]


def _faults(entries: Sequence[CellMetrics]) -> list[SoakLine]:
    """One line a kind: how often it struck, and how soon the attempts it hit went on."""
    kinds = sorted({(each.fault, each.role) for entry in entries for each in entry.faults})
    by_arm = []
    for entry in entries:
        found = {(each.fault, each.role): each for each in entry.faults}
        by_arm.append(
            [_kind(found[kind]) if kind in found else missing("not tried") for kind in kinds]
        )
    measures = [
        SoakMeasure(f"{fault}-{role}", f"{fault}, {role}", "Struck; attempts hit; recovery")
        for fault, role in kinds
    ]
    return _lines(measures, by_arm)


def _kind(kind: SoakFaultMetrics) -> Shown:
    words = f"{count(kind.hit)} attempts hit"
    samples = kind.recovery_s
    if samples.median is not None:
        words += f", on again after {seconds(samples.median)}"
        words += f" ({seconds(max(samples.samples))} at most)"
    elif samples.samples:
        words += f", on again after {seconds(max(samples.samples))} at most"
    if samples.censored:
        words += f", {count(samples.censored)} never"
    return Shown(f"{count(kind.struck)} of {count(kind.tried)}", exact(kind.struck), words)


def throughput_chart(entries: Sequence[CellMetrics], styles: Mapping[str, ArmStyle]) -> Markup:
    """Draw the jobs that each arm completed a minute, over the time of the soak."""
    rates = {
        entry.arm: [(at, done * 60 / entry.every_s) for at, done in entry.throughput]
        for entry in entries
        if entry.every_s and len(entry.throughput) > 1
    }
    if not rates:
        return Markup("")
    right = max(points[-1][0] for points in rates.values()) or 1.0
    top = max(rate for points in rates.values() for _, rate in points) or 1.0
    lines = [_line(points, styles.get(arm, PLAIN), right, top) for arm, points in rates.items()]
    return chart(
        "Jobs completed a minute over the time of the soak",
        levels(ticks(0, top, about=4), lambda rate: _PLOT * (1 - rate / top), label),
        uprights(
            ticks(0, right, about=6),
            lambda at: percent(at, right),
            lambda at: given(at) if at else "0",
            from_y=_PLOT,
            to_y=_PLOT,
            word_y=_PLOT + 18,
        ),
        plot(*lines, units=_UNITS, height=_PLOT),
        height=_PLOT + _FOOT,
        described="; ".join(_describe(arm, points) for arm, points in rates.items()),
        css="survival",
    )


def _line(
    points: Sequence[tuple[float, float]], style: ArmStyle, right: float, top: float
) -> Markup:
    places = [f"{_UNITS * at / right:.1f} {_PLOT * (1 - rate / top):.1f}" for at, rate in points]
    return curve(f"M{'L'.join(places)}", f"curve {style.css}", style.dash)


def _describe(arm: str, points: Sequence[tuple[float, float]]) -> str:
    rates = sorted(rate for _, rate in points)
    return f"{arm}: {rates[len(rates) // 2]:.0f} jobs a minute at the median"


def _content(page: Any) -> Any:
    return page.soak


PART = Part(
    "soak",
    called("Random faults for a long time"),
    _content,
    template("soak.html.j2", throughput_chart=throughput_chart),
    template("soak.md.j2"),
)
