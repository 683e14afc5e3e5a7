"""Whether an arm and its twin, which differ in nothing but their name, came out alike.

Where two of a kind differ, so may two arms for no reason of their engines: the run is unstable, and
its verdict unknown. The confidence of 95 % is that of the whole run: the more comparisons it holds,
the more each of them must show (Bonferroni).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bench.checkers.statistics import INTERVAL_FROM, bootstrap_difference, fisher
from bench.record.metrics import CellMetrics, Check, TwinMetrics, Verdict
from bench.record.run_info import CellInfo

TWINS_ALIKE = "twins alike"
_RISK = 0.05


@dataclass(frozen=True, slots=True)
class _Comparison:
    """One measure of both. `able` is whether samples of this size could have shown a difference."""

    able: bool
    differs: bool
    detail: str


def measure_twins(twins: Sequence[CellInfo], cells: Mapping[str, CellMetrics]) -> list[TwinMetrics]:
    """Compare each twin's cell with the one it repeats, by the faults lost and the recovery.

    Cells without a fault have neither, and are judged by their own checks alone. A cell of too few
    faults to tell is forgiven if another cell of the same twin has enough.
    """
    faulted = [info for info in twins if info.trials]
    risk = _RISK / max(2 * len(faulted), 1)
    found = {info.id: _compare(info, cells, risk) for info in faulted}
    told = {info.arm for info in faulted if any(one.able for one in found[info.id])}
    return [
        TwinMetrics(
            info.twin_of,
            cells[info.id],
            [
                *([_alike(found[info.id], info.arm in told)] if info.trials else []),
                _own(cells[info.id]),
            ],
        )
        for info in twins
    ]


def _compare(info: CellInfo, cells: Mapping[str, CellMetrics], risk: float) -> list[_Comparison]:
    cell, twin = cells[info.twin_of], cells[info.id]
    return [_lost(cell, twin, risk), _recovery(cell, twin, risk)]


def _alike(found: Sequence[_Comparison], told_elsewhere: bool) -> Check:
    detail = "; ".join(comparison.detail for comparison in found)
    if any(comparison.differs for comparison in found):
        return Check(TWINS_ALIKE, Verdict.UNKNOWN, f"the twins differ: {detail}")
    if any(comparison.able for comparison in found):
        return Check(TWINS_ALIKE, Verdict.VALID, detail)
    verdict = Verdict.VALID if told_elsewhere else Verdict.UNKNOWN
    return Check(TWINS_ALIKE, verdict, f"too few faults to tell: {detail}")


def _own(twin: CellMetrics) -> Check:
    failed = [check for check in twin.checks if check.verdict is not Verdict.VALID]
    detail = "; ".join(f"{check.name}: {check.detail}" for check in failed)
    return Check("twin's own checks", twin.verdict, detail)


def _lost(cell: CellMetrics, twin: CellMetrics, risk: float) -> _Comparison:
    one, other = cell.lost_per_fault, twin.lost_per_fault
    p = fisher(one.hits, one.of, other.hits, other.of)
    return _Comparison(
        able=fisher(one.of, one.of, 0, other.of) < risk,
        differs=p < risk,
        detail=f"lost {one.hits} of {one.of} and {other.hits} of {other.of} (p = {p:.2g})",
    )


def _recovery(cell: CellMetrics, twin: CellMetrics, risk: float) -> _Comparison:
    one, other = cell.recovery_s.samples, twin.recovery_s.samples
    if min(len(one), len(other)) < INTERVAL_FROM:
        return _Comparison(False, False, f"{len(one)} and {len(other)} recoveries, too few")
    low, high = bootstrap_difference(one, other, 1 - risk)
    return _Comparison(
        able=True,
        differs=low > 0 or high < 0,
        detail=f"difference of the recovery medians {low:.2f} to {high:.2f} s",
    )
