"""The idempotency section: experiment x arm x mode, the same entries for page, file, terminal."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rich.console import Console
from rich.table import Table as RichTable
from rich.text import Text

from bench.faults.experiments import EXPERIMENTS, Receiver
from bench.record.metrics import CellMetrics
from bench.record.run_info import CellInfo
from bench.report.arms import PLAIN, ArmStyle, arm_key
from bench.report.format import TERMINAL_STYLES, Shown, Tone, count, exact, missing
from bench.report.part import Part, called, template
from bench.report.words import plural

MODES = ("none", "check_then_act", "claim", "fenced")
_CLEAN, _TWICE, _SEEN = "\u2713", "!", "\u2717"
_RECEIVERS = {
    Receiver.HONOURS_KEYS: (
        "The receiver of effects honoured idempotency keys. A repeat that it stopped by its key is "
        "one that a receiver which ignores keys would have applied: both get the same answer, so "
        "that nothing else would have gone another way."
    ),
    Receiver.IGNORES_KEYS: (
        "The receiver of effects ignored idempotency keys: whatever reached it was applied."
    ),
}


@dataclass(frozen=True, slots=True)
class GuardRow:
    """One arm under one experiment: an entry a mode, and what it was made from."""

    arm: str
    style: ArmStyle
    entries: list[Shown]


@dataclass(frozen=True, slots=True)
class GuardGroup:
    """One experiment."""

    title: str
    what: str
    """The crash point, or what was done instead of one."""
    needs_key: bool
    """Whether only the receiver can keep the effect from being applied twice."""
    rows: list[GuardRow]


@dataclass(frozen=True, slots=True)
class IdempotencySection:
    """Everything about the experiments that a report shows."""

    sentences: list[str]
    modes: list[str]
    groups: list[GuardGroup]
    receivers: list[str]
    entries: list[CellMetrics]


def build_idempotency(
    entries: Sequence[CellMetrics],
    infos: Iterable[CellInfo],
    styles: Mapping[str, ArmStyle],
    sentences: list[str],
) -> IdempotencySection | None:
    """Return the section, None for a run without such experiments."""
    if not entries:
        return None
    tried = {entry.mode for entry in entries}
    modes = [mode for mode in MODES if mode in tried] + sorted(tried - set(MODES))
    points = {info.fault: info.crash_point for info in infos}
    by_place = {(entry.fault, entry.arm, entry.mode): entry for entry in entries}
    arms = sorted({entry.arm for entry in entries}, key=arm_key)
    groups = [
        GuardGroup(
            experiment_title(name),
            points.get(name) or "no crash: the receiver hung up",
            name in EXPERIMENTS and EXPERIMENTS[name].needs_key,
            [
                GuardRow(
                    arm,
                    styles.get(arm, PLAIN),
                    [_shown(by_place.get((name, arm, mode))) for mode in modes],
                )
                for arm in arms
            ],
        )
        for name in dict.fromkeys(entry.fault for entry in entries)
    ]
    receivers = [
        words
        for receiver, words in _RECEIVERS.items()
        if any(e.receiver == receiver for e in entries)
    ]
    return IdempotencySection(sentences, modes, groups, receivers, list(entries))


def experiment_title(name: str) -> str:
    """Return what an experiment is called, also one that this version does not know."""
    return EXPERIMENTS[name].title if name in EXPERIMENTS else name


def _shown(entry: CellMetrics | None) -> Shown:
    """`x 3 / 3 / 0`: duplicate executions, duplicate effects, phantoms; below it, in words."""
    if entry is None:
        return missing("not tried")
    numbers = [entry.duplicate_executions, entry.duplicate_effects, entry.phantoms]
    mark, tone = _judged(entry)
    return Shown(
        f"{mark} {' / '.join(count(number) for number in numbers)}",
        exact(numbers),
        ", ".join(_words(entry)),
        tone=tone,
    )


def _judged(entry: CellMetrics) -> tuple[str, Tone]:
    if entry.duplicate_effects or entry.phantoms or entry.lost or entry.unrecovered:
        return _SEEN, Tone.ALARM
    if entry.duplicate_executions:
        return _TWICE, Tone.WARNING
    return _CLEAN, Tone.PLAIN if entry.suppressed_effects else Tone.QUIET


def _words(entry: CellMetrics) -> list[str]:
    """What the numbers come to, and what else there is to say."""
    said = []
    if entry.duplicate_executions:
        said.append(f"{plural(entry.duplicate_executions, 'step')} finished twice")
    if entry.duplicate_effects:
        said.append(f"{plural(entry.duplicate_effects, 'effect')} applied twice")
    if entry.suppressed_effects:
        said.append(f"{plural(entry.suppressed_effects, 'repeat')} stopped by the key")
    for number, word in (
        (entry.phantoms, "phantom"),
        (entry.lost, "lost"),
        (entry.unrecovered, "unrecovered"),
    ):
        if number:
            said.append(f"{count(number)} {word}")
    if entry.faults_confirmed != entry.trials:
        said.append(f"{count(entry.faults_confirmed)} of {plural(entry.trials, 'fault')} confirmed")
    return said


def _print(section: IdempotencySection, page: Any, console: Console) -> None:
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
            entries = (Text(entry.text, style=TERMINAL_STYLES[entry.tone]) for entry in row.entries)
            shown.add_row(f"  {row.arm}", *entries)
    console.print(shown)


def _content(page: Any) -> Any:
    return page.idempotency


PART = Part(
    "idempotency",
    called("What each guard repeated"),
    _content,
    template("idempotency.html.j2"),
    template("idempotency.md.j2"),
    terminal=_print,
)
