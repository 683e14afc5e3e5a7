"""Whether a cell came out as the documentation promises, from its metrics alone."""

from collections.abc import Callable, Iterable

from bench.faults.expectations import Extent, Measure, expectation_of
from bench.record.metrics import Bucket, CellMetrics, Comparison, Documented, Rate, Trial

_WORDS = {
    Measure.AGAIN: "started again",
    Measure.LOST: "lost",
    Measure.UNRECOVERED: "unrecovered at T",
    Measure.FAILED: "failed",
    Measure.STOPPED: "stopped",
    Measure.FINISHES: "finished all the same",
    Measure.COMPLETED: "completed",
    Measure.REPEATS: "attempts beyond a step's first",
    Measure.DUPLICATE_EXECUTIONS: "duplicate executions",
    Measure.DUPLICATE_EFFECTS: "duplicate effects",
}
_OF_TRIAL: dict[Measure, Callable[[Trial], bool]] = {
    Measure.AGAIN: lambda trial: trial.handed_out_s is not None,
    Measure.LOST: lambda trial: trial.bucket is Bucket.LOST,
    Measure.UNRECOVERED: lambda trial: trial.bucket is Bucket.UNRECOVERED,
    Measure.FAILED: lambda trial: trial.bucket is Bucket.FAILED,
    Measure.STOPPED: lambda trial: trial.stopped_s is not None,
    Measure.FINISHES: lambda trial: trial.graceful,
    Measure.COMPLETED: lambda trial: trial.bucket is Bucket.COMPLETED,
}
_OF_CELL: dict[Measure, Callable[[CellMetrics], int]] = {
    Measure.REPEATS: lambda cell: cell.re_executions,
    Measure.DUPLICATE_EXECUTIONS: lambda cell: cell.duplicate_executions,
    Measure.DUPLICATE_EFFECTS: lambda cell: cell.duplicate_effects,
}
_OF_ALL_STRUCK = (Measure.FINISHES, Measure.COMPLETED)


def documented(cell: CellMetrics) -> Documented | None:
    """Compare a cell with what is promised; None if nothing is. A twin is held to what its arm is.

    Of a cell without a confirmed fault nothing can be said.
    """
    expectation = expectation_of(cell.fault, f"{cell.engine}/{cell.profile}")
    if expectation is None:
        return None
    seen = cell.faults_confirmed > 0
    found = [_compare(cell, *item) for item in expectation.expect.items()] if seen else []
    return Documented(expectation.promise, expectation.source, seen, found)


def as_documented(cells: Iterable[CellMetrics]) -> Rate:
    """Return how many cells came out as the documentation promises, of those that can be said."""
    held = [cell.documented for cell in cells if cell.documented and cell.documented.seen]
    return Rate(sum(each.agrees for each in held), len(held), None)


def _compare(cell: CellMetrics, measure: Measure, expected: Extent) -> Comparison:
    if measure in _OF_CELL:
        hits = _OF_CELL[measure](cell)
        agrees = (hits > 0) == (expected is Extent.SOME)
        return Comparison(agrees, f"{_WORDS[measure]}: {expected} expected, {hits} seen")
    # What a fault did not cut off, it can have neither lost nor delayed.
    struck = [trial for trial in cell.trial_list if trial.confirmed]
    left = [trial for trial in struck if measure in _OF_ALL_STRUCK or not trial.graceful]
    hits = sum(_OF_TRIAL[measure](trial) for trial in left)
    agrees = {
        Extent.EACH: hits == len(left),
        Extent.SOME: hits > 0,
        Extent.NONE: hits == 0,
    }[expected]
    seen = f"{hits} of {len(left)} seen"
    return Comparison(agrees, f"{_WORDS[measure]}: {expected} expected, {seen}")
