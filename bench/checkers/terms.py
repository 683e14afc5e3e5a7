"""Where each second of a recovery comes from, by the history alone.

How long the clock still had to run follows from the setting that was in force and from what the
ledger has of the attempt that died: its start, on an engine that counts from the delivery, or its
last sign of life. What follows is split by what the workers did meanwhile.
"""

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise

from bench.checkers.attempts import PROCESS_EXIT, Attempt
from bench.checkers.by_job import CellHistory
from bench.checkers.faults import Fault
from bench.faults.registry import facts_of
from bench.record.history import MODEL_LOADED
from bench.record.run_info import CellInfo
from bench.record.terms import Term
from shared.domain.detection import Clock
from shared.domain.impact import Impact
from shared.policy import POLICIES, Queue

_BACKOFF = "backoff_s"
_WORTH_A_WORD_S = 0.05
_CLOCKS = {
    Clock.DELIVERY: "left of the {:g} s that ran from the message's delivery",
    Clock.PROGRESS: "left of the {:g} s that ran from the last heartbeat",
}
"""Those whose start the history shows; a lease that renews itself leaves no record of when."""
_AFTER_THE_CLOCK = {
    Clock.DELIVERY: "until the next sweep",
    Clock.PROGRESS: "of backoff and the server's timers",
}
_BY_SILENCE = (Impact.KILLED, Impact.SILENT)
"""What an engine learns of by silence alone, so by its clock."""
_FOR_EVER = float("inf")

Span = tuple[float, float]


class Workers:
    """What the GPU workers of a cell did, looked up once for all its recoveries."""

    def __init__(self, cell: CellHistory) -> None:
        self._down = _down(cell)
        self._busy = _busy(cell)

    def missing_s(self, from_s: float, to_s: float) -> tuple[float, float]:
        """Return the seconds in which all were busy, and in which one was not there either."""
        down, busy = _during(self._down, from_s, to_s), _during(self._busy, from_s, to_s)
        marks = {from_s, to_s}
        for spans in (*down.values(), *busy.values()):
            marks.update(at for span in spans for at in span if from_s < at < to_s)
        queue_s = start_s = 0.0
        for begin, end in pairwise(sorted(marks)):
            at = (begin + end) / 2
            absent = {name for name, spans in down.items() if _within(at, spans)}
            taken = {name for name, spans in busy.items() if _within(at, spans)}
            if not down or set(down) - absent - taken:
                continue
            if absent:
                start_s += end - begin
            else:
                queue_s += end - begin
        return queue_s, start_s


def recovery_terms(
    fault: Fault,
    hit: Attempt,
    info: CellInfo,
    workers: Workers,
    handed_out_at: float,
    works_at: float,
) -> dict[Term, float]:
    """Return the terms of one recovery; they add up to `works_at` less the fault's moment.

    Nothing is a term where it cannot be told: a profile that follows no budget has no clock here,
    and all of it is the engine's.
    """
    noticed_at = min(max(_runs_out_at(info, fault, hit), fault.mono_s), handed_out_at)
    # Before its backoff is over a step waits for no worker.
    offered_at = min(noticed_at + info.predicted.parts.get(_BACKOFF, 0.0), handed_out_at)
    queue_s, start_s = workers.missing_s(offered_at, handed_out_at)
    return {
        Term.CLOCK: noticed_at - fault.mono_s,
        Term.HANDING_OUT: handed_out_at - noticed_at - queue_s - start_s,
        Term.QUEUE: queue_s,
        Term.START: start_s,
        Term.LEASE: works_at - handed_out_at,
    }


def say_terms(info: CellInfo, terms: Mapping[Term, float]) -> str:
    """Say in a sentence what a mean recovery was the sum of; empty if nothing recovered."""
    if not terms:
        return ""
    clock = _clock_of(info, info.fault)
    words = {
        Term.CLOCK: _CLOCKS[clock].format(info.clock_s) if clock else "",
        Term.HANDING_OUT: _AFTER_THE_CLOCK[clock] if clock else "until it was handed out",
        Term.QUEUE: "for a worker that was not busy",
        Term.START: "for a worker to start",
        Term.LEASE: "for the dead attempt's lease",
    }
    shown = [(term, seconds) for term, seconds in terms.items() if seconds >= _WORTH_A_WORD_S]
    parts = [f"{seconds:.1f} s {words[term]}" for term, seconds in shown]
    total = f"{info.arm}: {sum(terms.values()):.1f} s on average until the next attempt worked"
    return f"{total} = {' + '.join(parts)}." if parts else f"{total}."


def mean_terms(each: Iterable[dict[Term, float]]) -> dict[Term, float]:
    """Return the mean of each term: as the terms do, means add up."""
    found = list(each)
    return {term: sum(one[term] for one in found) / len(found) for term in Term} if found else {}


def _clock_of(info: CellInfo, fault: str) -> Clock | None:
    """Return the clock that notices this fault, None if none does that the history shows."""
    by_silence = facts_of(fault).impact in _BY_SILENCE
    return info.clock if by_silence and info.clock in _CLOCKS else None


def _runs_out_at(info: CellInfo, fault: Fault, hit: Attempt) -> float:
    match _clock_of(info, fault.fault):
        case None:
            return fault.mono_s
        case Clock.DELIVERY:
            began_s = hit.started_s
        case _:
            began_s = max(r.mono_s for r in hit.records if r.mono_s <= fault.mono_s)
            if every_s := info.clock_lag_s:
                # The first one is sent at once, and then one every so often (SDK, throttling).
                sent = (fault.mono_s - hit.started_s) // every_s
                began_s = min(began_s, hit.started_s + sent * every_s)
    return began_s + (info.clock_s or 0.0)


def _down(cell: CellHistory) -> dict[str, list[Span]]:
    """When each GPU worker of the arm was dead, or not ready yet, by name."""
    spans: dict[str, list[Span]] = {event.name: [] for event in cell.processes}
    loads = [event for event in cell.processes if event.phase == MODEL_LOADED]
    ends = [(e.name, e.mono_s) for e in cell.processes if e.phase == PROCESS_EXIT]
    ends += [(fault.worker, fault.mono_s) for fault in cell.faults if fault.kills]
    for name, at in ends:
        if name in spans:
            back = [event.mono_s for event in loads if event.name == name and event.mono_s > at]
            spans[name].append((at, min(back, default=_FOR_EVER)))
    return spans


def _busy(cell: CellHistory) -> dict[str, list[Span]]:
    """When each worker had a GPU step, by name."""
    spans: dict[str, list[Span]] = {}
    for job in cell.every_job:
        for step, attempts in job.steps.items():
            if POLICIES[step.partition("/")[0]].queue is Queue.GPU:
                for attempt in attempts:
                    worker = attempt.records[0].worker
                    spans.setdefault(worker, []).append((attempt.started_s, attempt.ended_s))
    return spans


def _during(spans: Mapping[str, list[Span]], from_s: float, to_s: float) -> dict[str, list[Span]]:
    return {
        name: [(begin, end) for begin, end in each if begin < to_s and end > from_s]
        for name, each in spans.items()
    }


def _within(at: float, spans: Sequence[Span]) -> bool:
    return any(begin <= at < end for begin, end in spans)
