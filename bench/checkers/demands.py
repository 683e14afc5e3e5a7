"""What a cell is held to: what its arm's profile promises, and what every cell is held to.

A shortfall that is not promised against is a number in the table: `celery/stock` loses the jobs of
killed workers, and a cell that shows it is valid.
"""

from collections.abc import Sequence

from bench.checkers.buckets import Buckets
from bench.checkers.by_job import CellHistory
from bench.checkers.host_load import STARVED_FROM, starved
from bench.checkers.repetition import Repetition
from bench.faults.fault import START_S
from bench.record.metrics import Bucket, Check, Trial, Verdict
from bench.record.run_info import FAULTS_CONFIRMED, CellInfo
from bench.record.terms import Term
from shared.domain.promises import Promise


def check_demand(
    demand: str, buckets: Buckets, repetition: Repetition, too_busy: str = ""
) -> Check:
    """Judge a demand that is one of counts; a demand that does not exist is unknown.

    A job that is only late is nobody's fault on a machine that was too busy; one that is lost, or
    stuck, is.
    """
    counts = buckets.counts
    match demand:
        case Promise.NO_LOSS:
            lost, unrecovered = counts[Bucket.LOST], counts[Bucket.UNRECOVERED]
            detail = f"{lost} lost, {unrecovered} unrecovered"
            if buckets.stuck:
                detail += f", {buckets.stuck} of them stuck"
            if unrecovered and not (lost or buckets.stuck) and too_busy:
                return Check("no loss", Verdict.UNKNOWN, f"{detail}; {too_busy}")
            return _judged("no loss", lost == 0 and unrecovered == 0, detail)
        case Promise.NO_DUPLICATE_EXECUTIONS:
            repeated = repetition.duplicate_executions
            detail = f"{repeated} duplicate executions"
            return _judged("no duplicate executions", repeated == 0, detail)
        case Promise.NO_DUPLICATE_EFFECTS:
            repeated = repetition.duplicate_effects
            return _judged("no duplicate effects", repeated == 0, f"{repeated} duplicate effects")
        case Promise.NO_PHANTOMS:
            phantoms = counts[Bucket.PHANTOM]
            return _judged("no phantoms", phantoms == 0, f"{phantoms} phantoms")
        case _:
            detail = f"there is no such demand; there are {', '.join(Promise)}"
            return Check(demand, Verdict.UNKNOWN, detail)


def check_faults(info: CellInfo, trials: Sequence[Trial], too_busy: str = "") -> Check:
    """As many faults as were planned hit a running step, else the cell is unknown.

    A fault that missed is named, and another one makes up for it. It is invalid if the cell is
    held to `faults_confirmed` and their number falls short.
    """
    missed = [trial.trial for trial in trials if not trial.confirmed]
    confirmed = len(trials) - len(missed)
    detail = f"{confirmed} of {info.trials} faults confirmed by the ledger"
    if missed:
        detail += f"; not confirmed: {', '.join(missed)}"
    if confirmed != info.trials and FAULTS_CONFIRMED in info.demands and not too_busy:
        return Check("faults hit", Verdict.INVALID, detail)
    hit_all = confirmed == info.trials
    return Check("faults hit", Verdict.VALID if hit_all else Verdict.UNKNOWN, detail)


def check_bound(cell: CellHistory, trials: Sequence[Trial], too_busy: str = "") -> Check:
    """Every step that was cut off was handed out again within the bound of the settings in force.

    A bound is for a queue in which little waits: for longer than the part that it has for a slot, a
    time in which every worker was busy, or taken away by another trial, is not counted, whichever
    the engine.

    A job that was still open when its bound had passed, with no new attempt, breaks it too. Where
    the arm does not promise `within_bound`, a breach is a finding and not a verdict. Where the
    machine had nothing left for as long as the bound, whose fault it was is unknown.
    """
    info = cell.info
    name, bound_s = "recovery within bound", info.predicted.seconds
    cut_off = [trial for trial in trials if trial.cut_off]
    samples = [trial.handed_out_s for trial in cut_off if trial.handed_out_s is not None]
    if bound_s is None:
        why = info.predicted.why or "no recovery is predicted"
        return Check(name, Verdict.VALID, f"no bound ({why}); {len(samples)} recovered")
    slot_wait_s = info.predicted.parts.get("slot_wait_s", 0.0)
    late = [trial for trial in cut_off if _own_s(trial, trials, slot_wait_s) > bound_s]
    overdue = [trial for trial in cut_off if _open(trial) and trial.observed_s > bound_s]
    detail = f"bound {bound_s:.1f} s"
    if samples:
        detail += f", slowest of {len(samples)} took {max(samples):.1f} s"
    if late:
        slow = sorted(trial.handed_out_s for trial in late if trial.handed_out_s is not None)
        detail += f"; above it: {', '.join(f'{seconds:.1f} s' for seconds in slow)}"
    if overdue:
        detail += f"; it passed without a recovery in {', '.join(t.trial for t in overdue)}"
    if not late and not overdue:
        return Check(name, Verdict.VALID, detail)
    if Promise.WITHIN_BOUND not in info.demands:
        return Check(name, Verdict.VALID, f"a finding, not a demand of this cell: {detail}")
    if all(starved(cell.host, t.fault_mono_s, t.fault_mono_s + bound_s) for t in late + overdue):
        detail += f"; the processors were at least {STARVED_FROM:.0%} in use meanwhile"
        return Check(name, Verdict.UNKNOWN, detail)
    return Check(name, Verdict.UNKNOWN if too_busy else Verdict.INVALID, detail)


def _own_s(trial: Trial, trials: Sequence[Trial], slot_wait_s: float) -> float:
    """Return what a recovery took but for its wait behind others, beyond what the bound has.

    A worker that the fault of another trial took away meanwhile is waited for like a busy one, for
    as long as a start may take: one that stays away is no excuse.
    """
    took_s = trial.handed_out_s or 0.0
    taken = sum(0 < each.fault_mono_s - trial.fault_mono_s < took_s for each in _confirmed(trials))
    started_s = min(trial.terms.get(Term.START, 0.0), taken * START_S)
    waited_s = trial.terms.get(Term.QUEUE, 0.0) + started_s
    return took_s - max(0.0, waited_s - slot_wait_s)


def _confirmed(trials: Sequence[Trial]) -> list[Trial]:
    return [trial for trial in trials if trial.confirmed]


def _open(trial: Trial) -> bool:
    return trial.handed_out_s is None and trial.bucket in (Bucket.LOST, Bucket.UNRECOVERED)


def _judged(name: str, holds: bool, detail: str) -> Check:
    return Check(name, Verdict.VALID if holds else Verdict.INVALID, detail)
