"""The answer to the first question in two or three sentences, computed from the cells.

The question: when a GPU worker dies in the middle of a job, what happens on each engine? The
first sentence is about the hardened profiles, the last about the stock ones; between them stands
one about the tuned ones where there are any. Counts are sums over an arm's compute drivers; the
median is that of the cell with most recoveries, and says which. Before them stands one more where
the machine was too busy to answer it.
"""

from collections.abc import Iterable, Sequence

from bench.checkers.faults import SIGKILL
from bench.record.metrics import Bucket, CellMetrics, Verdict

HARDENED = "hardened"
TUNED = "tuned"
STOCK = "stock"
_TUNED_OPENING = "With settings alone, "
_STOCK_OPENING = "With stock settings, "

_NUMBERS = {1: "once", 2: "twice"}
_COMPUTE = {"simulated": "the simulated GPU", "diffusers": "the real diffusers pipeline"}


def answer(cells: Iterable[CellMetrics]) -> list[str]:
    """Return the sentences, right for any data: also for no arm, no kill, no recovery.

    A run of other faults than kills is told of by what they cost the jobs that they struck.
    """
    cells = list(cells)
    killed = [cell for cell in cells if cell.fault == SIGKILL]
    struck = [cell for cell in cells if cell.faults_confirmed]
    if struck and not killed:
        return [*_too_busy(struck), *_of_any_fault(struck)]
    tuned = _sentence(killed, TUNED, _TUNED_OPENING, "")
    return [
        *_too_busy(killed),
        _sentence(
            killed,
            HARDENED,
            "When a GPU worker was killed in the middle of a job, ",
            "No GPU worker was seen to die in the middle of a job on an arm with hardened settings"
            " in this run.",
        ),
        *([tuned] if tuned else []),
        _sentence(
            killed,
            STOCK,
            _STOCK_OPENING,
            "No GPU worker was seen to die in the middle of a job on an arm with stock settings"
            " in this run.",
        ),
    ]


def _too_busy(cells: Iterable[CellMetrics]) -> list[str]:
    """Say first of all where no second of a run is worth comparing."""
    busy = [cell for cell in cells if cell.too_busy]
    if not busy:
        return []
    where = ", ".join(sorted({f"{cell.arm} ({cell.compute})" for cell in busy}))
    return [
        f"This machine was too busy to tell how fast anything recovered on {where}:"
        f" {busy[0].too_busy}. Its seconds are left out; what was lost or applied twice stands."
    ]


def _of_any_fault(struck: Sequence[CellMetrics]) -> list[str]:
    """One sentence for the hardened profiles, one a rung below them; only what there is."""
    stock = [cell for cell in struck if cell.profile == STOCK]
    tuned = [cell for cell in struck if cell.profile == TUNED]
    others = [cell for cell in struck if cell.profile not in (STOCK, TUNED)]
    return [
        opening + "; ".join(_tally(arm, by_arm[arm]) for arm in sorted(by_arm)) + "."
        for opening, part in (("", others), (_TUNED_OPENING, tuned), (_STOCK_OPENING, stock))
        if (by_arm := _by_arm(part))
    ]


def _tally(arm: str, cells: Sequence[CellMetrics]) -> str:
    kinds = len({cell.fault for cell in cells})
    under = f"under {kinds} kinds of fault" if kinds > 1 else f"under {cells[0].fault}"
    faults = sum(cell.faults_confirmed for cell in cells)
    lost = sum(cell.buckets.get(Bucket.LOST, 0) for cell in cells)
    late = sum(cell.buckets.get(Bucket.UNRECOVERED, 0) for cell in cells)
    twice = sum(cell.duplicate_effects for cell in cells)
    return (
        f"{arm}{_doubt(cells)} lost {lost} of {sum(cell.jobs for cell in cells)} jobs {under}"
        f" ({faults} confirmed), left {late} open at the deadline and applied {twice}"
        f" {'effect' if twice == 1 else 'effects'} twice"
    )


def _by_arm(cells: Iterable[CellMetrics]) -> dict[str, list[CellMetrics]]:
    by_arm: dict[str, list[CellMetrics]] = {}
    for cell in cells:
        by_arm.setdefault(cell.arm, []).append(cell)
    return by_arm


def _sentence(cells: Sequence[CellMetrics], profile: str, opening: str, nothing: str) -> str:
    by_arm = _by_arm(cell for cell in cells if cell.profile == profile)
    if not any(cell.faults_confirmed for arm in by_arm.values() for cell in arm):
        return nothing
    return opening + "; ".join(_clause(arm, by_arm[arm]) for arm in sorted(by_arm)) + "."


def _clause(arm: str, cells: Sequence[CellMetrics]) -> str:
    kills = sum(cell.faults_confirmed for cell in cells)
    if not kills:
        return f"{arm} had no confirmed kill"
    hit = sum(cell.lost_per_fault.hits for cell in cells)
    lost = sum(cell.buckets.get(Bucket.LOST, 0) for cell in cells)
    unrecovered = sum(cell.buckets.get(Bucket.UNRECOVERED, 0) for cell in cells)
    phantoms = sum(cell.buckets.get(Bucket.PHANTOM, 0) for cell in cells)
    parts = [f"{arm}{_doubt(cells)} lost {hit} of {kills} killed {'job' if kills == 1 else 'jobs'}"]
    if lost > hit:
        parts.append(f"lost {lost - hit} more that no kill had hit")
    if unrecovered:
        left = f"left {_count(unrecovered, 'job')} unrecovered at the drain deadline"
        bounds = [cell.predicted_bound_s for cell in cells if cell.predicted_bound_s is not None]
        parts.append(f"{left} (its predicted bound is {max(bounds):.0f} s)" if bounds else left)
    if phantoms:
        parts.append(f"reported {_count(phantoms, 'job')} as done with something missing")
    parts.append(_recovery(cells, kills))
    return _list(parts)


def _recovery(cells: Sequence[CellMetrics], kills: int) -> str:
    recovered = sum(len(cell.recovery_s.samples) for cell in cells)
    fit = [cell for cell in cells if not cell.too_busy]
    if recovered and not any(cell.recovery_s.samples for cell in fit):
        times = "" if recovered == kills else f" {_NUMBERS.get(recovered, f'{recovered} times')}"
        return f"had the step at work again{times}{_resumed(cells)}"
    if not recovered:
        waits = any(cell.unrecovered_per_fault.hits for cell in cells)
        return "started no killed step again" + (" by then" if waits else "")
    cell = max(fit, key=lambda cell: len(cell.recovery_s.samples))
    samples = cell.recovery_s
    if samples.median is not None:
        when = f"after a median {samples.median:.1f} s"
    elif len(samples.samples) == 1:
        when = f"after {samples.samples[0]:.1f} s"
    else:
        when = f"after {min(samples.samples):.1f} to {max(samples.samples):.1f} s"
    if len({each.compute for each in cells}) > 1:
        when += f" on {_COMPUTE.get(cell.compute, cell.compute)}"
    when += _other_budgets(cell, fit)
    if recovered == kills:
        return f"had the step at work again {when}{_resumed(cells)}"
    times = _NUMBERS.get(recovered, f"{recovered} times")
    return f"had the step at work again {times}, {when}{_resumed(cells)}"


def _other_budgets(shown: CellMetrics, cells: Sequence[CellMetrics]) -> str:
    """Say what the same arm took with other budgets on the same compute driver."""
    others = [
        f"{each.recovery_s.median:.1f} s with one of {each.detection_budget_s:g} s"
        for each in cells
        if each.compute == shown.compute
        and each.detection_budget_s
        and each.detection_budget_s != shown.detection_budget_s
        and each.recovery_s.median is not None
    ]
    if not others or not shown.detection_budget_s:
        return ""
    return f" with a detection budget of {shown.detection_budget_s:g} s ({', '.join(others)})"


def _resumed(cells: Sequence[CellMetrics]) -> str:
    points = [
        trial.resumed_from
        for cell in cells
        for trial in cell.trial_list
        if trial.confirmed and trial.resumed_from is not None
    ]
    resumed = sum(point > 0 for point in points)
    if not points:
        return ""
    if not resumed:
        return ", from the beginning"
    if resumed == len(points):
        return ", from a checkpoint"
    return f", from a checkpoint in {resumed} of {len(points)} cases"


def _doubt(cells: Iterable[CellMetrics]) -> str:
    """Say it where a cell's verdict is not valid, so that its numbers are not taken as sound."""
    verdicts = {cell.verdict for cell in cells}
    if Verdict.INVALID in verdicts:
        return " (verdict: invalid)"
    return " (verdict: unknown)" if Verdict.UNKNOWN in verdicts else ""


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _list(parts: Sequence[str]) -> str:
    if len(parts) < 3:
        return " and ".join(parts)
    return ", ".join(parts[:-1]) + ", and " + parts[-1]
