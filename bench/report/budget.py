"""What the chosen detection budget costs each engine, from its settings and its healthy steps."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from bench.history import History
from bench.metrics import Metrics
from bench.report.arms import arm_key
from bench.report.format import seconds
from bench.run_info import RunInfo
from shared.domain.status import RecordKind

_LEASE = "visibility_timeout"
_HEARTBEAT = "heartbeat_timeout"
_LIMIT = "start_to_close"


@dataclass(frozen=True, slots=True)
class BudgetLine:
    """One arm: the setting that notices a dead worker, and what that setting forbids."""

    arm: str
    setting: str
    value_s: float
    longest_s: float | None
    sentence: str


def budget_lines(info: RunInfo, metrics: Metrics, history: History) -> list[BudgetLine]:
    """Return a line an arm, empty for arms that name none of the settings that matter."""
    longest = _longest_steps(metrics, history)
    lines = []
    for arm in sorted(info.settings, key=arm_key):
        values = {setting.name: setting.value for setting in info.settings[arm]}
        line = _line(arm, values, longest.get(arm))
        if line is not None:
            lines.append(line)
    return lines


def _line(arm: str, values: Mapping[str, str], longest: float | None) -> BudgetLine | None:
    for prefix, say in ((_LEASE, _lease), (_HEARTBEAT, _heartbeat), (_LIMIT, _limit)):
        for name, text in values.items():
            value = _number(text)
            if prefix in name and value is not None:
                return BudgetLine(arm, name, value, longest, say(value, longest))
    return None


def _lease(value: float, longest: float | None) -> str:
    rule = (
        "counts from delivery and is never renewed, so it must exceed the longest job: "
        "a step that runs longer starts a second time while the first still runs"
    )
    if longest is None:
        return f"{rule}."
    if longest > value:
        return f"{rule}. The longest healthy step here took {seconds(longest)}: too long for it."
    return (
        f"{rule}. The longest healthy step here took {seconds(longest)}, "
        f"which leaves {seconds(value - longest)}."
    )


def _heartbeat(value: float, longest: float | None) -> str:
    rule = "is renewed by progress, so it need not exceed the longest job"
    if longest is None:
        return f"{rule}."
    relation = "longer" if longest > value else "shorter"
    return (
        f"{rule}: the longest healthy step here took {seconds(longest)}, {relation} than the "
        "timeout, and could have taken any time between two heartbeats shorter than it."
    )


def _limit(value: float, longest: float | None) -> str:
    rule = (
        "is all that notices a dead worker without a heartbeat: it must exceed the longest job, "
        "and a killed step waits for the rest of it"
    )
    return (
        f"{rule}."
        if longest is None
        else (f"{rule}. The longest healthy step here took {seconds(longest)}.")
    )


def _number(text: str) -> float | None:
    try:
        return float(text.removesuffix("s").strip())
    except ValueError:
        return None


def _longest_steps(metrics: Metrics, history: History) -> dict[str, float]:
    """Longest run of a step from taken to finished, by arm, in jobs that no fault hit."""
    arms = {cell.id: cell.arm for cell in metrics.cells}
    arm_of = {op.job_id: arms[op.cell] for op in history.ops if op.job_id and op.cell in arms}
    hit = {fault.job_id for fault in history.faults}
    begun: dict[str, float] = {}
    longest: dict[str, float] = defaultdict(float)
    for record in history.attempts:
        arm = arm_of.get(record.job_id)
        if arm is None or record.job_id in hit:
            continue
        if record.kind is RecordKind.STARTED:
            begun[record.attempt_id] = record.mono_s
        elif record.kind is RecordKind.FINISHED and record.attempt_id in begun:
            took = record.mono_s - begun[record.attempt_id]
            longest[arm] = max(longest[arm], took)
    return dict(longest)
