"""What notices a dead worker on each arm, beside its longest healthy step."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from itertools import chain

from bench.checkers.by_job import CellHistory
from bench.record.metrics import Budget, Notices
from bench.record.run_info import RunInfo, split_label

_LEASE = "visibility_timeout"
_RENEWALS = "renewals"
_BY = {
    _LEASE: Notices.LEASE,
    "heartbeat_timeout": Notices.HEARTBEAT,
    "start_to_close": Notices.LIMIT,
}
"""In this order: the first that an arm sets is the one by which it notices a dead worker."""


def budgets(info: RunInfo, cells: Iterable[CellHistory]) -> list[Budget]:
    """Return one for each arm's settings, none for an arm that sets nothing of the kind."""
    longest = _longest_steps(cells)
    found = [
        _budget(label, {setting.name: setting.value for setting in settings}, longest)
        for label, settings in info.settings.items()
    ]
    return [each for each in found if each is not None]


def _budget(
    label: str, values: Mapping[str, str], longest: Mapping[tuple[str, str | None], float]
) -> Budget | None:
    arm, stage = split_label(label)
    for part, notices in _BY.items():
        for name, text in values.items():
            value = _number(text)
            if part in name and value is not None:
                by = notices
                if part == _LEASE and not _acks_late(values):
                    by = Notices.NOTHING
                elif part == _LEASE and _renews(values):
                    by = Notices.RENEWED_LEASE
                return Budget(label, arm, name, value, by, longest.get((arm, stage)))
    return None


def _acks_late(values: Mapping[str, str]) -> bool:
    late = [text for name, text in values.items() if name.endswith("acks_late")]
    return not late or late[0].lower() in ("true", "1", "yes", "on")


def _renews(values: Mapping[str, str]) -> bool:
    return any(name.endswith(_RENEWALS) and text != "0" for name, text in values.items())


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
