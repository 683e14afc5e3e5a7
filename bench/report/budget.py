"""What the chosen detection budget costs each engine, from its settings and its healthy steps."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import chain

from bench.checkers.by_job import CellHistory
from bench.record.run_info import RunInfo
from bench.report.arms import arm_key, split_label
from bench.report.format import seconds

_LEASE = "visibility_timeout"
_RENEWALS = "renewals"


@dataclass(frozen=True, slots=True)
class BudgetLine:
    """One arm: the setting that notices a dead worker, and what that setting forbids."""

    label: str
    """As in the run's settings: the arm, and the stage where they differ by it."""
    arm: str
    setting: str
    value_s: float
    longest_s: float | None
    sentence: str


def budget_lines(info: RunInfo, cells: Iterable[CellHistory]) -> list[BudgetLine]:
    """Return a line for each arm's settings, none for an arm that sets nothing of the kind.

    Arms in their usual order, and the stages of each as the scenario has them.
    """
    longest = _longest_steps(cells)
    found = [
        _line(label, {setting.name: setting.value for setting in settings}, longest)
        for label, settings in info.settings.items()
    ]
    return sorted(filter(None, found), key=lambda line: arm_key(line.arm))


def _line(
    label: str, values: Mapping[str, str], longest: Mapping[tuple[str, str | None], float]
) -> BudgetLine | None:
    arm, stage = split_label(label)
    longest_s = longest.get((arm, stage))
    for part, say in _SAY.items():
        for name, text in values.items():
            value = _number(text)
            if part in name and value is not None:
                if part == _LEASE and not _acks_late(values):
                    sentence = _EARLY
                elif part == _LEASE and _renews(values):
                    sentence = _renewed(value, longest_s)
                else:
                    sentence = say(value, longest_s)
                return BudgetLine(label, arm, name, value, longest_s, sentence)
    return None


def _acks_late(values: Mapping[str, str]) -> bool:
    late = [text for name, text in values.items() if name.endswith("acks_late")]
    return not late or late[0].lower() in ("true", "1", "yes", "on")


def _renews(values: Mapping[str, str]) -> bool:
    return any(name.endswith(_RENEWALS) and text != "0" for name, text in values.items())


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


def _renewed(value: float, longest: float | None) -> str:
    rule = (
        "is renewed while the step runs, by code that Celery does not support, so it need not "
        "exceed the longest job"
    )
    if longest is None:
        return f"{rule}."
    relation = "longer" if longest > value else "shorter"
    return (
        f"{rule}: the longest healthy step here took {seconds(longest)}, {relation} than the "
        "timeout, and could have taken any time."
    )


def _limit(_: float, longest: float | None) -> str:
    rule = (
        "is all that notices a dead worker without a heartbeat: it must exceed the longest job, "
        "and a killed step waits for the rest of it"
    )
    if longest is None:
        return f"{rule}."
    return f"{rule}. The longest healthy step here took {seconds(longest)}."


_EARLY = (
    "is not in play: the message is acknowledged before the step begins, so that nothing hands "
    "out a killed step again."
)
_SAY = {_LEASE: _lease, "heartbeat_timeout": _heartbeat, "start_to_close": _limit}
"""In this order: the first that an arm sets is the one by which it notices a dead worker."""


def _number(text: str) -> float | None:
    try:
        return float(text.removesuffix("s").strip())
    except ValueError:
        return None


def _longest_steps(cells: Iterable[CellHistory]) -> dict[tuple[str, str | None], float]:
    """Longest attempt from taken to finished, in jobs that no fault hit, by arm and stage.

    Also by arm alone, for settings that hold in every stage.
    """
    longest: dict[tuple[str, str | None], float] = defaultdict(float)
    for cell in cells:
        hit = {fault.job_id for fault in cell.faults}
        for job in cell.every_job:
            for attempt in chain.from_iterable(job.steps.values()):
                if job.job_id not in hit and attempt.finished_s is not None:
                    took = attempt.finished_s - attempt.started_s
                    for stage in (cell.info.stage or cell.info.compute, None):
                        key = cell.info.arm, stage
                        longest[key] = max(longest[key], took)
    return dict(longest)
