"""What a scenario may demand of a cell, by the name it has there.

A shortfall that nobody demanded is a number in the table: `celery/stock` loses the jobs of killed
workers, and a cell that shows it is valid.
"""

from collections.abc import Callable, Mapping, Sequence

from bench.checkers.buckets import Buckets
from bench.checkers.repetition import Repetition
from bench.metrics import Bucket, Check, Trial, Verdict
from bench.run_info import CellInfo

NO_LOSS = "no_loss"
NO_DUPLICATE_EFFECTS = "no_duplicate_effects"
NO_PHANTOMS = "no_phantoms"
FAULTS_CONFIRMED = "faults_confirmed"
WITHIN_BOUND = "within_bound"

DEMANDS = (NO_LOSS, NO_DUPLICATE_EFFECTS, NO_PHANTOMS, FAULTS_CONFIRMED, WITHIN_BOUND)


def demand_checks(
    info: CellInfo, buckets: Buckets, repetition: Repetition
) -> Mapping[str, Callable[[], Check]]:
    """Return the checks of those demands that are made of counts, by their names."""
    lost, unrecovered = buckets.counts[Bucket.LOST], buckets.counts[Bucket.UNRECOVERED]
    phantoms, repeated = buckets.counts[Bucket.PHANTOM], repetition.duplicate_effects
    checks: dict[str, Callable[[], Check]] = {
        NO_LOSS: lambda: _demanded(
            "no job lost", not lost + unrecovered, f"{lost} lost, {unrecovered} unrecovered"
        ),
        NO_DUPLICATE_EFFECTS: lambda: _demanded(
            "no duplicate effect", not repeated, f"{repeated} duplicate effects"
        ),
        NO_PHANTOMS: lambda: _demanded("no phantom", not phantoms, f"{phantoms} phantoms"),
    }
    for demand in info.demands:
        if demand not in DEMANDS:
            checks[demand] = lambda name=demand: Check(
                name, Verdict.UNKNOWN, f"no such demand; there are {', '.join(DEMANDS)}"
            )
    return {demand: check for demand, check in checks.items() if demand in info.demands}


def check_faults(info: CellInfo, trials: Sequence[Trial]) -> Check:
    """Every planned fault hit a running step; one that did not makes its trial unknown."""
    confirmed = sum(trial.confirmed for trial in trials)
    missed = [trial.trial for trial in trials if not trial.confirmed]
    detail = f"{confirmed} of {info.trials} faults confirmed by the ledger"
    if missed:
        detail += f"; not: {', '.join(missed)}"
    if confirmed == info.trials and not missed:
        return Check("faults hit", Verdict.VALID, detail)
    short = FAULTS_CONFIRMED in info.demands and confirmed != info.trials
    return Check("faults hit", Verdict.INVALID if short else Verdict.UNKNOWN, detail)


def check_bound(info: CellInfo, trials: Sequence[Trial]) -> Check:
    """Every recovery came within the bound that the effective settings predict.

    A job that was still open when its bound had passed, with no new attempt, breaks it too. Where
    the scenario does not demand the bound, a breach is reported as a finding.
    """
    name, bound_s = "recovery within bound", info.predicted.seconds
    cut_off = [trial for trial in trials if trial.confirmed and not trial.graceful]
    samples = [trial.recovery_s for trial in cut_off if trial.recovery_s is not None]
    if bound_s is None:
        recovered = f"{len(samples)} of {len(cut_off)} recovered all the same" if samples else ""
        return Check(
            name,
            Verdict.VALID,
            "; ".join(filter(None, [f"no bound: {info.predicted.why}", recovered])),
        )
    late = [seconds for seconds in samples if seconds > bound_s]
    overdue = [t for t in cut_off if _still_open(t) and t.observed_s > bound_s]
    early = [t for t in cut_off if _still_open(t) and t.observed_s <= bound_s]
    parts = [f"bound {bound_s:.1f} s"]
    if samples:
        parts.append(f"slowest of {len(samples)} {max(samples):.1f} s")
    if late:
        parts.append("above it: " + ", ".join(f"{seconds:.1f} s" for seconds in sorted(late)))
    if overdue:
        parts.append(f"{len(overdue)} not recovered though it had passed")
    if early:
        parts.append(f"{len(early)} judged before it had passed")
    if not late and not overdue:
        return Check(name, Verdict.VALID, "; ".join(parts))
    if WITHIN_BOUND in info.demands:
        return Check(name, Verdict.INVALID, "; ".join(parts))
    return Check(name, Verdict.VALID, "finding: " + "; ".join(parts))


def _still_open(trial: Trial) -> bool:
    return trial.recovery_s is None and trial.bucket in (Bucket.LOST, Bucket.UNRECOVERED)


def _demanded(name: str, holds: bool, detail: str) -> Check:
    return Check(name, Verdict.VALID if holds else Verdict.INVALID, detail)
