"""What a soak did to each arm, and what became of its jobs, from the history alone."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial

from bench.checkers.buckets import Buckets, sort_into_buckets
from bench.checkers.by_job import CellHistory, by_cell
from bench.checkers.demands import check_demand
from bench.checkers.faults import Fault
from bench.checkers.invariants import run_invariants
from bench.checkers.recovery import read_trials, recovery_samples
from bench.checkers.repetition import Repetition, count_repetition
from bench.checkers.statistics import summarise
from bench.checkers.verdict import Checks
from bench.faults.registry import facts_of
from bench.record.history import History
from bench.record.metrics import Bucket, Check, SoakFaultMetrics, SoakMetrics, Trial, Verdict
from bench.record.run_info import CellInfo, RunInfo, SoakInfo
from shared.domain.jobs import IMAGE_GENERATION, Bound

_COMPUTE = "simulated"
_POINTS = 60


def measure_soak(info: RunInfo, history: History) -> list[SoakMetrics]:
    """Return one entry an arm, in the order of the run's metadata."""
    if not info.soak:
        return []
    cells = by_cell(replace(info, cells=[_as_cell(soak) for soak in info.soak]), history)
    return [_measure(soak, cells[soak.id]) for soak in info.soak]


def unmeasured_soak(info: RunInfo, why: Check) -> list[SoakMetrics]:
    """Return entries of which nothing is known but that the history could not be sorted."""
    return [
        _entry(soak, CellHistory(_as_cell(soak)), Buckets.none(), Repetition(), [], Checks([why]))
        for soak in info.soak
    ]


def _as_cell(info: SoakInfo) -> CellInfo:
    """The form in which the history is sorted."""
    return CellInfo(
        id=info.id,
        arm=info.arm,
        engine=info.engine,
        profile=info.profile,
        workload=IMAGE_GENERATION,
        compute=_COMPUTE,
        fault="soak",
        trials=info.planned,
        drain_s=info.drain_s,
        predicted=Bound(None, {}, ""),
        owed_effects=info.owed_effects,
    )


def _measure(info: SoakInfo, cell: CellHistory) -> SoakMetrics:
    checks, jobs = Checks(), cell.every_job
    buckets = checks.value("buckets", Buckets.none(), partial(sort_into_buckets, cell))
    repetition = checks.value("repetition", Repetition(), partial(count_repetition, jobs))
    at_work = replace(cell, faults=[fault for fault in cell.faults if fault.aimed])
    trials = checks.value("recovery", [], partial(read_trials, at_work, buckets.of_job, ()))
    run_invariants(checks, cell, buckets)
    checks.run("faults accounted for", partial(_check_faults, info, _strikes(cell.faults)))
    for demand in info.demands:
        checks.run(demand, partial(check_demand, demand, buckets, repetition))
    return _entry(info, cell, buckets, repetition, trials, checks)


def _entry(
    info: SoakInfo,
    cell: CellHistory,
    buckets: Buckets,
    repetition: Repetition,
    trials: Sequence[Trial],
    checks: Checks,
) -> SoakMetrics:
    strikes = _strikes(cell.faults)
    faults = _by_kind(strikes, trials)
    completed = {job for job, bucket in buckets.of_job.items() if bucket is Bucket.COMPLETED}
    ended = [
        (job.completed_s, min(s.intended_s for s in job.submissions))
        for job in cell.jobs.values()
        if job.job_id in completed and job.completed_s is not None
    ]
    every_s = info.duration_s / _POINTS
    return SoakMetrics(
        id=info.id,
        arm=info.arm,
        engine=info.engine,
        profile=info.profile,
        trials=info.planned,
        faults_confirmed=sum(kind.struck for kind in faults),
        kills=sum(kind.kills for kind in faults),
        jobs=buckets.jobs,
        buckets=buckets.counts,
        recovered_unknown=buckets.recovered_unknown,
        re_executions=repetition.re_executions,
        duplicate_executions=repetition.duplicate_executions,
        duplicate_effects=repetition.duplicate_effects,
        suppressed_effects=repetition.suppressed_effects,
        overlap_s=repetition.overlap_s,
        faults=faults,
        throughput=_throughput(cell, [at for at, _ in ended], every_s),
        every_s=every_s,
        end_to_end_s=summarise([at - intended for at, intended in ended]),
        verdict=checks.verdict,
        checks=checks.done,
    )


@dataclass(frozen=True, slots=True)
class _Strike:
    """One fault of the schedule; `number` tells it from the others of its arm."""

    number: str
    role: str
    fault: Fault

    @property
    def struck(self) -> bool:
        return self.fault.reported_hit


def _strikes(faults: Iterable[Fault]) -> list[_Strike]:
    """The faults as they were planned; what each did to attempts is apart."""
    return [_Strike(*_name(fault.trial), fault) for fault in faults if not fault.aimed]


def _name(trial: str) -> tuple[str, str]:
    """Number and role from `soak/celery/hardened#12:gpu` or `...#12:gpu/1`."""
    number, _, role = trial.rpartition("#")[2].partition(":")
    return number, role.partition("/")[0]


def _by_kind(strikes: Sequence[_Strike], trials: Sequence[Trial]) -> list[SoakFaultMetrics]:
    hits: dict[str, list[Trial]] = defaultdict(list)
    for trial in trials:
        hits[_name(trial.trial)[0]].append(trial)
    kinds: dict[tuple[str, str], list[_Strike]] = defaultdict(list)
    for strike in strikes:
        kinds[strike.fault.fault, strike.role].append(strike)
    return [
        _kind(fault, role, of_kind, [t for s in of_kind for t in hits[s.number] if t.confirmed])
        for (fault, role), of_kind in sorted(kinds.items())
    ]


def _kind(
    fault: str, role: str, strikes: Sequence[_Strike], trials: Sequence[Trial]
) -> SoakFaultMetrics:
    struck = sum(strike.struck for strike in strikes)
    recovery_s, _, _ = recovery_samples(trials)
    return SoakFaultMetrics(
        fault=fault,
        role=role,
        tried=len(strikes),
        struck=struck,
        kills=struck if facts_of(fault).kills else 0,
        hit=len(trials),
        recovery_s=recovery_s,
    )


def _check_faults(info: SoakInfo, strikes: Sequence[_Strike]) -> Check:
    """Every planned fault was tried, and most found somebody to strike."""
    struck = sum(strike.struck for strike in strikes)
    name = "faults accounted for"
    detail = f"{info.planned} planned, {len(strikes)} tried, {struck} seen to strike"
    done = len(strikes) == info.planned and struck > 0
    return Check(name, Verdict.VALID if done else Verdict.UNKNOWN, detail)


def _throughput(
    cell: CellHistory, ended_s: Iterable[float], every_s: float
) -> list[tuple[float, int]]:
    if cell.window_s is None:
        return []
    began_s, until_s = cell.window_s
    done = Counter(int((at - began_s) / every_s) for at in ended_s)
    last = max([*done, 0]) if done else int((until_s - began_s) / every_s)
    return [(place * every_s, done[place]) for place in range(last + 1)]
