"""From a run's history to its metrics."""

from collections.abc import Mapping, Sequence

from bench.checkers.answer import answer
from bench.checkers.buckets import Buckets, check_buckets, sort_into_buckets
from bench.checkers.by_job import CellHistory, by_cell
from bench.checkers.demands import check_bound, check_faults, demand_checks
from bench.checkers.device_time import Cause, split_device_time
from bench.checkers.invariants import (
    check_cancelled,
    check_credits,
    check_rejected,
    check_some_completed,
    check_terminal_status,
)
from bench.checkers.latency import Latency, measure_latency
from bench.checkers.recovery import completion_times, read_trials, recovery_samples
from bench.checkers.reload import Reloads, check_reloads, find_reloads
from bench.checkers.repetition import Repetition, count_repetition
from bench.checkers.statistics import summarise, wilson
from bench.checkers.verdict import Checks, worst
from bench.history import History
from bench.metrics import SCHEMA, Bucket, CellMetrics, Metrics, Rate, Trial, Verdict
from bench.run_info import CellInfo, RunInfo

_NOTHING = Buckets({}, dict.fromkeys(Bucket, 0), 0, 0, {})
_NO_SAMPLES = summarise([])


def measure(info: RunInfo, history: History) -> Metrics:
    """Return the metrics of a run. Never raises: what cannot be computed is unknown, and why."""
    shared = Checks()
    cells = shared.value(
        "history",
        {cell.id: CellHistory(cell) for cell in info.cells},
        lambda: by_cell(info, history),
    )
    reloads: Mapping[str, float] = shared.value(
        "reload", {}, lambda: reload_seconds(cells, history)
    )
    checks = {cell_id: Checks(list(shared.done)) for cell_id in cells}
    buckets = {
        cell_id: checks[cell_id].value(
            "buckets", _NOTHING, lambda cell=cell: sort_into_buckets(cell)
        )
        for cell_id, cell in cells.items()
    }
    measured = [
        _measure_cell(
            cell,
            buckets[cell_id],
            checks[cell_id],
            reloads,
            checks[cell_id].value(
                "unfaulted jobs", [], lambda cell=cell: _unfaulted_s(cell, cells, buckets)
            ),
        )
        for cell_id, cell in cells.items()
    ]
    verdict = worst(cell.verdict for cell in measured)
    if not any(cell.buckets[Bucket.COMPLETED] for cell in measured):
        # Nothing was shown to work, so nothing was shown at all.
        verdict = worst([verdict, Verdict.UNKNOWN])
    sentences = shared.value("answer", _NO_ANSWER, lambda: answer(measured))
    return Metrics(SCHEMA, info.run_id, verdict, sentences, measured)


_NO_ANSWER = [
    "The answer could not be computed from this run.",
    "The table holds what could be measured.",
]


def _unfaulted_s(
    cell: CellHistory, cells: Mapping[str, CellHistory], buckets: Mapping[str, Buckets]
) -> Sequence[float]:
    """Completion times without a fault: of the control cell, else of this cell's other jobs."""
    of_job = {job: bucket for each in buckets.values() for job, bucket in each.of_job.items()}
    controls = [
        other
        for other in cells.values()
        if other.info.trials == 0 and _alike(other.info, cell.info)
    ]
    return completion_times(controls, of_job) or completion_times([cell], of_job)


def _alike(one: CellInfo, other: CellInfo) -> bool:
    return (one.arm, one.workload, one.compute) == (other.arm, other.workload, other.compute)


def _measure_cell(
    cell: CellHistory,
    buckets: Buckets,
    checks: Checks,
    reloads: Reloads,
    unfaulted_s: Sequence[float],
) -> CellMetrics:
    info = cell.info
    jobs = cell.every_job
    trials: list[Trial] = checks.value(
        "recovery", [], lambda: read_trials(cell, buckets.of_job, unfaulted_s)
    )
    repetition = checks.value("repetition", Repetition(), lambda: count_repetition(jobs))
    device_s = checks.value("device time", {}, lambda: split_device_time(jobs, buckets.of_job)) | {
        Cause.RELOAD: reload_s
    }
    latency = checks.value(
        "latency",
        Latency(_NO_SAMPLES, _NO_SAMPLES, _NO_SAMPLES),
        lambda: measure_latency(cell, buckets.of_job),
    )
    recovery, resumption, penalty = recovery_samples(trials)

    checks.run("jobs completed", lambda: check_some_completed(cell, buckets))
    checks.run("buckets add up", lambda: check_buckets(buckets))
    checks.run("credits settled once", lambda: check_credits(cell, buckets))
    checks.run("nothing ran after a rejection", lambda: check_rejected(cell, buckets))
    checks.run("nothing ran after a cancel", lambda: check_cancelled(cell))
    checks.run("a terminal status stays", lambda: check_terminal_status(cell))
    checks.run("model loads told apart", lambda: check_reloads(reloads.ambiguous.get(info.id, 0)))
    checks.run("faults hit", lambda: check_faults(info, trials))
    checks.run("recovery within bound", lambda: check_bound(info, trials))
    for name, check in demand_checks(info, buckets, repetition).items():
        checks.run(name, check)

    confirmed = [trial for trial in trials if trial.confirmed]
    busy_s = sum(device_s.values())
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
        device_s={str(cause): seconds for cause, seconds in device_s.items()},
        wasted_per_fault_s={
            str(cause): seconds / len(confirmed)
            for cause, seconds in device_s.items()
            if confirmed and cause is not Cause.USEFUL
        },
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
