"""Whether the machine kept up: what waited for a processor or a disk says little of its engine."""

from collections.abc import Callable, Sequence
from statistics import fmean, median

from bench.arms.engines import ENGINES
from bench.checkers.by_job import CellHistory
from bench.faults.registry import FAULTS
from bench.record.history import HostSample, ServerPause
from bench.record.metrics import Check, HostUse, Verdict

STARVED_FROM = 0.95
"""The mean share of the processors in use from which on whatever is late may have waited for one.

Sampled by the second, so that a machine whose every slice is taken still shows a little idle.
"""
KEPT_UP = "the machine kept up"
STRETCH_UP_TO = 4.5
"""Up to here a worker's work may take longer than alone, on average over a cell.

The default suite on two cores with nothing beside it: 1.2 to 2.8 a cell.
"""
FSYNC_UP_TO_S = 0.1
"""Up to here the median small write may take to last. There: 0.001."""
STALLS_UP_TO = {"processor": 0.8, "disk": 0.25, "memory": 0.25}
"""Up to this share of the time some process may wait. There: 0.1 to 0.5, 0.004 and 0."""
COMPLAINTS_UP_TO_A_S = 0.5
"""Up to here a server may complain that it is too slow for itself."""
HELD_UP_TO = 0.1
"""Up to this share of the time something may hold a server up, each time for 10 ms or more.

As much as one write of `FSYNC_UP_TO_S` in each second. `quick` on two cores: 0; with every commit
synced, 0.001, and 0.011 beside another load.
"""


def busy_between(samples: Sequence[HostSample], from_s: float, to_s: float) -> float | None:
    """Return the mean share of the processors in use, None without a sample in between."""
    return _mean(_between(samples, from_s, to_s), lambda sample: sample.busy)


def starved(samples: Sequence[HostSample], from_s: float, to_s: float) -> bool:
    """Whether hardly any processor time was left. Of a history without samples nobody knows."""
    busy = busy_between(samples, from_s, to_s)
    return busy is not None and busy >= STARVED_FROM


def why_too_busy(cell: CellHistory) -> str:
    """Say why nothing that took its time in this cell can be compared; empty if it can.

    What a suite was checked with is the limit: beyond it, seconds are the machine's. A server that
    is struck complains of that, and so is not asked.
    """
    if cell.window_s is None:
        return ""
    from_s, to_s = cell.window_s
    samples = _between(cell.host, from_s, to_s)
    stretch = _mean(samples, lambda sample: sample.stretch)
    fsyncs = [sample.fsync_s for sample in samples if sample.fsync_s is not None]
    reasons = []
    if stretch is not None and stretch > STRETCH_UP_TO:
        reasons.append(
            f"what a worker computes took {stretch:.1f} times as long as alone"
            f" (fit: up to {STRETCH_UP_TO:g})"
        )
    for what, limit in STALLS_UP_TO.items():
        stall = _mean(samples, _STALLS[what])
        if stall is not None and stall > limit:
            reasons.append(
                f"some process waited for the {what} for {stall:.0%} of the time"
                f" (fit: up to {limit:.0%})"
            )
    if fsyncs and median(fsyncs) > FSYNC_UP_TO_S:
        reasons.append(
            f"the disk took {median(fsyncs) * 1000:.0f} ms to make a small write last"
            f" (fit: up to {FSYNC_UP_TO_S * 1000:.0f} ms)"
        )
    server = ENGINES[cell.info.engine].server
    complaints = _complaints(cell, from_s, to_s)
    if complaints > COMPLAINTS_UP_TO_A_S * (to_s - from_s):
        reasons.append(f"the {server} server logged {complaints} calls that it was too slow for")
    held = _held_up_s(cell, from_s, to_s) / (to_s - from_s) if to_s > from_s else 0.0
    if held > HELD_UP_TO:
        reasons.append(
            f"the {server} server was held up for {held:.0%} of the time, by its own word"
            f" (fit: up to {HELD_UP_TO:.0%})"
        )
    return "; ".join(reasons)


def check_kept_up(why: str) -> Check:
    """Judge by what `why_too_busy` says: nobody can tell what took its time on such a machine."""
    return Check(KEPT_UP, Verdict.UNKNOWN if why else Verdict.VALID, why)


def host_use(samples: Sequence[HostSample], pauses: Sequence[ServerPause] = ()) -> HostUse | None:
    """Return how much of the machine was in use over the run, None where nobody looked."""
    if not samples:
        return None
    fsyncs = [sample.fsync_s for sample in samples if sample.fsync_s is not None]
    return HostUse(
        mean=fmean(sample.busy for sample in samples),
        full=sum(sample.busy >= STARVED_FROM for sample in samples) / len(samples),
        full_from=STARVED_FROM,
        stretch=_mean(samples, lambda sample: sample.stretch),
        fsync_s=median(fsyncs) if fsyncs else None,
        stalls={
            what: share
            for what, read in _STALLS.items()
            if (share := _mean(samples, read)) is not None
        },
        pauses_s=_longest(pauses),
    )


_STALLS: dict[str, Callable[[HostSample], float | None]] = {
    "processor": lambda sample: sample.cpu_stall,
    "disk": lambda sample: sample.io_stall,
    "memory": lambda sample: sample.memory_stall,
}


def _between(samples: Sequence[HostSample], from_s: float, to_s: float) -> list[HostSample]:
    return [sample for sample in samples if from_s < sample.mono_s <= to_s]


def _mean(
    samples: Sequence[HostSample], read: Callable[[HostSample], float | None]
) -> float | None:
    values = [value for sample in samples if (value := read(sample)) is not None]
    return fmean(values) if values else None


def _held_up_s(cell: CellHistory, from_s: float, to_s: float) -> float:
    """Return for how long the server of a cell's arm was held up in this time, by its own word.

    Of what is noted in the same second only the longest counts, since one may be a part of another.
    """
    by_second: dict[float, float] = {}
    for pause in cell.pauses:
        if _is_of(cell, pause.server, pause.arm) and from_s < pause.mono_s <= to_s:
            by_second[pause.wall_s] = max(pause.pause_s, by_second.get(pause.wall_s, 0.0))
    return sum(by_second.values())


def _longest(pauses: Sequence[ServerPause]) -> dict[str, float]:
    longest: dict[str, float] = {}
    for pause in pauses:
        what = f"{pause.server}: {pause.event}"
        longest[what] = max(pause.pause_s, longest.get(what, 0.0))
    return longest


def _complaints(cell: CellHistory, from_s: float, to_s: float) -> int:
    """Return how often the server of a cell's arm complained in this time."""
    return sum(
        found.complaints
        for found in cell.distress
        if _is_of(cell, found.server, found.arm) and from_s < found.mono_s <= to_s
    )


def _is_of(cell: CellHistory, server: str, arm: str) -> bool:
    """Whether this server is that of a cell's arm, and is not struck there."""
    fault = FAULTS.get(cell.info.fault)
    if fault is not None and (fault.facts.own_server or fault.facts.links):
        return False
    return server == ENGINES[cell.info.engine].server and arm in ("", cell.info.place)
