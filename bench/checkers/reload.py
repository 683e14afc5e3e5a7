"""Models loaded again because a worker was restarted."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from bench.checkers.by_job import CellHistory
from bench.checkers.faults import Fault
from bench.record.history import History
from bench.record.metrics import Check, Verdict
from shared.domain.records import AttemptRecord
from shared.domain.status import RecordKind


@dataclass(slots=True)
class Reloads:
    """Reload seconds by cell, and how many loads in a cell's window could be any arm's."""

    seconds: dict[str, float] = field(default_factory=dict)
    ambiguous: dict[str, int] = field(default_factory=dict)


def find_reloads(cells: Mapping[str, CellHistory], history: History) -> Reloads:
    """Find the reloads of every cell.

    The first load of a worker's name on an arm is no reload. A later one belongs to the cell of
    its arm in whose window it ended; where windows overlap, to the one whose fault last struck
    that worker.
    """
    reloads = Reloads(dict.fromkeys(cells, 0.0), dict.fromkeys(cells, 0))
    places = _Places(cells, history)
    loaded: set[tuple[str, str]] = set()
    loads = [record for record in history.attempts if record.kind is RecordKind.MODEL_LOADED]
    for load in sorted(loads, key=lambda record: record.mono_s):
        arms = places.arms(load)
        within = [
            cell_id
            for cell_id, cell in cells.items()
            if cell.info.arm in arms and _in_window(load, cell)
        ]
        if len(arms) != 1:
            for cell_id in within:
                reloads.ambiguous[cell_id] += 1
            continue
        place = (next(iter(arms)), load.worker)
        if place in loaded and within:
            cell_id = max(within, key=lambda cell_id: _last_hit_s(load, cells[cell_id].faults))
            reloads.seconds[cell_id] += float(load.detail)
        loaded.add(place)
    return reloads


def check_reloads(ambiguous: int) -> Check:
    """Every model load could be told to be of one arm."""
    if not ambiguous:
        return Check("model loads told apart", Verdict.VALID, "")
    detail = f"{ambiguous} loads may be of more than one arm and are not counted"
    return Check("model loads told apart", Verdict.UNKNOWN, detail)


class _Places:
    """Which arm a worker process belongs to. Arms use the same worker names."""

    def __init__(self, cells: Mapping[str, CellHistory], history: History) -> None:
        self._processes = sorted(history.processes, key=lambda event: event.mono_s)
        self._at_work: dict[tuple[str, int], set[str]] = {}
        for cell in cells.values():
            for job in cell.every_job:
                for attempts in job.steps.values():
                    for attempt in attempts:
                        first = attempt.records[0]
                        key = (first.worker, first.pid)
                        self._at_work.setdefault(key, set()).add(cell.info.arm)

    def arms(self, load: AttemptRecord) -> set[str]:
        """By the process that loaded; a prefork child by the jobs that it ran; by the name."""
        same_pid = [p for p in self._processes if p.pid == load.pid and p.mono_s <= load.mono_s]
        if same_pid:
            return {same_pid[-1].arm}
        if at_work := self._at_work.get((load.worker, load.pid)):
            return at_work
        return {process.arm for process in self._processes if process.name == load.worker}


def _in_window(load: AttemptRecord, cell: CellHistory) -> bool:
    return cell.window_s is not None and cell.window_s[0] <= load.mono_s <= cell.window_s[1]


def _last_hit_s(load: AttemptRecord, faults: Iterable[Fault]) -> float:
    hits = [f.mono_s for f in faults if f.worker == load.worker and f.mono_s <= load.mono_s]
    return max(hits, default=float("-inf"))
