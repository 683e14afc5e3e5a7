"""What each column of a table reads off a cell."""

from collections.abc import Callable
from dataclasses import replace

from bench.record.metrics import Bucket, CellMetrics, Verdict
from bench.record.run_info import CellInfo
from bench.report.format import (
    NBSP,
    Shown,
    Tone,
    count,
    exact,
    given,
    median,
    missing,
    rate,
    seconds,
    tally,
)
from bench.report.words import cause_words, fault_words

VERDICT_MARKS = {Verdict.VALID: "\u2713", Verdict.UNKNOWN: "?", Verdict.INVALID: "\u2717"}


def confirmed(cell: CellMetrics, _: CellInfo | None) -> Shown:
    """Faults that the ledger confirms."""
    tone = Tone.PLAIN if cell.faults_confirmed == cell.trials else Tone.ALARM
    detail = f"of {count(cell.trials)}"
    if cell.graceful:
        detail += f", {count(cell.graceful)} finished first"
    stopped = [trial.stopped_s for trial in cell.trial_list if trial.stopped_s is not None]
    if stopped:
        detail += f", {count(len(stopped))} stopped within {seconds(max(stopped))}"
    return Shown(count(cell.faults_confirmed), exact(cell.faults_confirmed), detail, tone=tone)


def lost(cell: CellMetrics, _: CellInfo | None) -> Shown:
    """Jobs lost, and the rate per fault."""
    jobs = cell.buckets.get(Bucket.LOST, 0)
    return tally(jobs, rate(cell.lost_per_fault, fault_words(cell.fault).many), bad=True)


def unrecovered(cell: CellMetrics, _: CellInfo | None) -> Shown:
    """Jobs still held at T, with T and the predicted bound."""
    jobs = cell.buckets.get(Bucket.UNRECOVERED, 0)
    detail = f"T{NBSP}={NBSP}{given(cell.drain_s)}, {_bound(cell)}"
    if cell.stuck:
        detail = f"{count(cell.stuck)} stuck, {detail}"
    return tally(jobs, detail, bad=True)


def stuck(cell: CellMetrics, _: CellInfo | None) -> Shown:
    """Unrecovered jobs that cannot go on by themselves."""
    return tally(cell.stuck, bad=True)


def _bound(cell: CellMetrics) -> str:
    if cell.predicted_bound_s is None:
        return f"no{NBSP}bound"
    return f"bound{NBSP}{given(cell.predicted_bound_s)}"


def re_executions(cell: CellMetrics, _: CellInfo | None) -> Shown:
    """Attempts beyond the first."""
    return tally(cell.re_executions)


def duplicate_executions(cell: CellMetrics, _: CellInfo | None) -> Shown:
    """Attempts beyond the first that finished their work."""
    return tally(cell.duplicate_executions, bad=True)


def duplicate_effects(cell: CellMetrics, _: CellInfo | None) -> Shown:
    """Effects applied beyond the first, and repeats that were suppressed."""
    detail = f"{count(cell.suppressed_effects)} suppressed" if cell.suppressed_effects else ""
    return tally(cell.duplicate_effects, detail, bad=True)


def _timed(cell: CellMetrics, shown: Shown) -> Shown:
    """Leave out what the machine took its time for."""
    return missing(f"the machine was too busy: {cell.too_busy}") if cell.too_busy else shown


def recovery(cell: CellMetrics, _: CellInfo | None) -> Shown:
    """Median seconds from the fault until another attempt was at work."""
    return _timed(cell, median(cell.recovery_s, "recovered"))


def handed_out(cell: CellMetrics, info: CellInfo | None) -> Shown:
    """Median seconds from the fault until another attempt had the step; the slowest, and the bound.

    The predicted bound is about this, and not about what the attempt then waits for.
    """
    bound, beside = cell.predicted_bound_s, _bound(cell)
    times = cell.handed_out_s
    if cell.too_busy:
        return _timed(cell, missing(""))
    if not times.samples:
        why = "no step was left to recover"
        if times.censored:
            why = (info.predicted.why if info else "") or "none handed out"
        return missing(why, beside)
    worst = max(times.samples)
    over = bound is not None and worst > bound
    return replace(
        median(times, "handed out"),
        detail=f"slowest {seconds(worst)}, {'over the ' if over else ''}{beside}",
        note="beyond the bound, a finding about the engine or about the bench" if over else "",
        tone=Tone.ALARM if over else Tone.PLAIN,
    )


def wasted(cell: CellMetrics, _: CellInfo | None) -> Shown:
    """Device seconds wasted per fault, by cause."""
    causes = cell.wasted_per_fault_s
    if not causes:
        return missing("no device time was measured")
    parts = [f"{cause_words(cause)} {seconds(value)}" for cause, value in causes.items() if value]
    if len(parts) == 1:
        parts = [cause_words(cause) for cause, value in causes.items() if value]
    total = sum(causes.values())
    tone = Tone.PLAIN if total else Tone.QUIET
    return Shown(seconds(total), exact(total), ", ".join(parts), tone=tone)


def verdict(cell: CellMetrics, _: CellInfo | None) -> Shown:
    """The cell's composed verdict."""
    short = [check.name for check in cell.checks if check.verdict is not Verdict.VALID]
    text = f"{VERDICT_MARKS[cell.verdict]} {cell.verdict.value}"
    tone = Tone.PLAIN if cell.verdict is Verdict.VALID else Tone.ALARM
    return Shown(text, exact(cell.verdict.value), ", ".join(short), tone=tone)


def jobs(cell: CellMetrics, _: CellInfo | None) -> Shown:
    """Jobs submitted."""
    return tally(cell.jobs)


def bucket(kind: Bucket, *, bad: bool = False) -> Callable[[CellMetrics, CellInfo | None], Shown]:
    """Return a reader of one bucket's count."""

    def read(cell: CellMetrics, _: CellInfo | None) -> Shown:
        return tally(cell.buckets.get(kind, 0), bad=bad)

    return read


def end_to_end(cell: CellMetrics, _: CellInfo | None) -> Shown:
    """Median seconds from the intended send to the job's end."""
    return _timed(cell, median(cell.end_to_end_s, "completed"))


def accept_latency(cell: CellMetrics, _: CellInfo | None) -> Shown:
    """Median seconds from the intended send to the 202."""
    return _timed(cell, median(cell.accept_latency_s, "accepted"))


def schedule_lag(cell: CellMetrics, _: CellInfo | None) -> Shown:
    """Median seconds by which the load generator was late."""
    return _timed(cell, median(cell.schedule_lag_s, "sent"))


def resumption(cell: CellMetrics, _: CellInfo | None) -> Shown:
    """Median seconds from the fault until lost ground was made up."""
    return _timed(cell, median(cell.resumption_s, "resumed"))


def penalty(cell: CellMetrics, _: CellInfo | None) -> Shown:
    """Median extra seconds of a job that was hit."""
    return _timed(cell, median(cell.completion_penalty_s, "completed"))


def overlap(cell: CellMetrics, _: CellInfo | None) -> Shown:
    """Seconds in which two attempts of a step ran at once."""
    tone = Tone.ALARM if cell.overlap_s else Tone.QUIET
    return Shown(seconds(cell.overlap_s), exact(cell.overlap_s), tone=tone)


def goodput(cell: CellMetrics, _: CellInfo | None) -> Shown:
    """Useful over busy device time."""
    if cell.goodput is None:
        return missing("no device time was measured")
    return Shown(f"{cell.goodput:.2f}", exact(cell.goodput))
