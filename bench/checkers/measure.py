"""From a run's history to its metrics."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial

from bench.checkers.answer import answer
from bench.checkers.buckets import Buckets, sort_into_buckets
from bench.checkers.by_job import CellHistory, by_cell
from bench.checkers.capabilities import measure_suite
from bench.checkers.demands import (
    FAULTS_CONFIRMED,
    WITHIN_BOUND,
    check_bound,
    check_demand,
    check_faults,
)
from bench.checkers.device_time import Cause, split_device_time
from bench.checkers.frontier import frontier_answer, frontiers
from bench.checkers.idempotency import measure_idempotency, unmeasured
from bench.checkers.idempotency_answer import idempotency_answer
from bench.checkers.invariants import run_invariants
from bench.checkers.latency import Latency, measure_latency
from bench.checkers.recovery import completion_times, read_trials, recovery_samples
from bench.checkers.reload import Reloads, check_reloads, find_reloads
from bench.checkers.repetition import Repetition, count_repetition
from bench.checkers.soak import measure_soak, unmeasured_soak
from bench.checkers.soak_answer import soak_answer
from bench.checkers.statistics import wilson
from bench.checkers.twins import measure_twins
from bench.checkers.verdict import Checks, worst
from bench.record.history import History
from bench.record.metrics import SCHEMA, Bucket, CellMetrics, Metrics, Rate, Trial, Verdict
from bench.record.run_info import CellInfo, RunInfo

_NO_ANSWER = [
    "The answer could not be computed from this run.",
    "The table holds what could be measured.",
]


def measure(info: RunInfo, history: History) -> Metrics:
    """Return the metrics of a run. Never raises: what cannot be computed is unknown, and why."""
    suite = measure_suite(info)
    if suite is not None:
        return suite
    info = replace(info, cells=[*info.cells, *info.twins])
    common = Checks()
    # A cell of which nothing is known breaks no demand; it is unknown.
    nothing = {cell.id: CellHistory(replace(cell, demands=[])) for cell in info.cells}
    cells = common.value("history", nothing, partial(by_cell, info, history))
    reloads = common.value("reload", Reloads(), partial(find_reloads, cells, history))
    checks = {cell_id: Checks(list(common.done)) for cell_id in cells}
    buckets = {
        cell_id: checks[cell_id].value("buckets", Buckets.none(), partial(sort_into_buckets, cell))
        for cell_id, cell in cells.items()
    }
    every: dict[str, CellMetrics] = {}
    for cell_id, cell in cells.items():
        unfaulted_s = checks[cell_id].value(
            "unfaulted jobs", (), partial(_unfaulted_s, cell, cells, buckets)
        )
        every[cell_id] = _measure_cell(
            cell, buckets[cell_id], reloads, unfaulted_s, checks[cell_id]
        )
    measured = [every[cell.id] for cell in info.cells if not cell.twin_of]
    twins = common.value("twins", [], partial(measure_twins, info.twins, every))
    experiments = common.value("idempotency", None, partial(measure_idempotency, info, history))
    if experiments is None:
        experiments = unmeasured(info, common.done[-1])
    soak = common.value("soak", None, partial(measure_soak, info, history))
    if soak is None:
        soak = unmeasured_soak(info, common.done[-1])
    verdict = worst(
        [
            *(cell.verdict for cell in every.values()),
            *(entry.verdict for entry in soak),
            *(entry.verdict for entry in experiments),
            *(check.verdict for pair in twins for check in pair.checks),
            *(check.verdict for check in common.done),
        ]
    )
    completed = [cell.buckets[Bucket.COMPLETED] for cell in measured]
    completed += [entry.buckets[Bucket.COMPLETED] for entry in soak]
    if not any([*completed, *(entry.completed for entry in experiments)]):
        # Where nothing worked, that nothing went wrong shows nothing.
        verdict = worst([verdict, Verdict.UNKNOWN])
    asked = partial(answer, measured)
    if found := common.value("frontier", [], partial(frontiers, measured, cells)):
        asked = partial(frontier_answer, found)
    if soak and not measured:
        asked = partial(soak_answer, soak)
    elif experiments and not measured:
        asked = partial(idempotency_answer, experiments)
    sentences = common.value("answer", _NO_ANSWER, asked)
    return Metrics(SCHEMA, info.run_id, verdict, sentences, measured, experiments, twins, soak)


def _unfaulted_s(
    cell: CellHistory, cells: Mapping[str, CellHistory], buckets: Mapping[str, Buckets]
) -> list[float]:
    """Completion times without a fault: of the control cell, else of this cell's other jobs."""
    of_job = {job: bucket for each in buckets.values() for job, bucket in each.of_job.items()}
    controls = [c for c in cells.values() if c.info.trials == 0 and _alike(c.info, cell.info)]
    return completion_times(controls, of_job) or completion_times([cell], of_job)


def _alike(one: CellInfo, other: CellInfo) -> bool:
    return (one.arm, one.workload, one.compute) == (other.arm, other.workload, other.compute)


def _measure_cell(
    cell: CellHistory,
    buckets: Buckets,
    reloads: Reloads,
    unfaulted_s: Sequence[float],
    checks: Checks,
) -> CellMetrics:
    info, jobs, of_job = cell.info, cell.every_job, buckets.of_job
    trials = checks.value("recovery", None, partial(read_trials, cell, of_job, unfaulted_s))
    repetition = checks.value("repetition", Repetition(), partial(count_repetition, jobs))
    device_s = dict(checks.value("device time", {}, partial(split_device_time, jobs, of_job)))
    device_s[Cause.RELOAD] = reloads.seconds.get(info.id, 0.0)
    latency = checks.value("latency", Latency.none(), partial(measure_latency, cell, of_job))

    run_invariants(checks, cell, buckets)
    checks.run("model loads told apart", partial(check_reloads, reloads.ambiguous.get(info.id, 0)))
    if trials is not None:
        checks.run("faults hit", partial(check_faults, info, trials))
        checks.run("recovery within bound", partial(check_bound, cell, trials))
    for demand in info.demands:
        if demand not in (FAULTS_CONFIRMED, WITHIN_BOUND):
            checks.run(demand, partial(check_demand, demand, buckets, repetition))

    trials = trials or []
    confirmed = [trial for trial in trials if trial.confirmed]
    recovery, resumption, penalty = recovery_samples(trials)
    busy_s = sum(device_s.values())
    wasted_s = {cause: s for cause, s in device_s.items() if cause is not Cause.USEFUL}
    return CellMetrics(
        id=info.id,
        arm=info.arm,
        engine=info.engine,
        profile=info.profile,
        workload=info.workload,
        compute=info.compute,
        fault=info.fault,
        trials=info.trials,
        faults_confirmed=len(confirmed),
        jobs=buckets.jobs,
        buckets=buckets.counts,
        re_executions=repetition.re_executions,
        duplicate_executions=repetition.duplicate_executions,
        duplicate_effects=repetition.duplicate_effects,
        suppressed_effects=repetition.suppressed_effects,
        overlap_s=repetition.overlap_s,
        recovery_s=recovery,
        resumption_s=resumption,
        completion_penalty_s=penalty,
        predicted_bound_s=info.predicted.seconds,
        drain_s=info.drain_s,
        lost_per_fault=_rate(confirmed, Bucket.LOST),
        unrecovered_per_fault=_rate(confirmed, Bucket.UNRECOVERED),
        device_s={cause.value: s for cause, s in device_s.items()},
        wasted_per_fault_s={c.value: s / len(confirmed) for c, s in wasted_s.items() if confirmed},
        goodput=device_s.get(Cause.USEFUL, 0.0) / busy_s if busy_s else None,
        accept_latency_s=latency.accept_s,
        end_to_end_s=latency.end_to_end_s,
        schedule_lag_s=latency.schedule_lag_s,
        verdict=checks.verdict,
        checks=checks.done,
        trial_list=trials,
        graceful=sum(trial.graceful for trial in trials),
        recovered_unknown=buckets.recovered_unknown,
    )


def _rate(trials: Sequence[Trial], bucket: Bucket) -> Rate:
    return wilson(sum(trial.bucket is bucket for trial in trials), len(trials))
