"""Measures one cell and checks it, whatever the kind of its faults."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from bench.checkers.buckets import Buckets, check_buckets
from bench.checkers.by_job import CellHistory
from bench.checkers.demands import check_bound, check_demand, check_faults
from bench.checkers.device_time import Cause, split_device_time
from bench.checkers.expectations import documented
from bench.checkers.host_load import KEPT_UP, check_kept_up, why_too_busy
from bench.checkers.idempotency import Confirmation, check_confirmed
from bench.checkers.invariants import run_invariants
from bench.checkers.latency import Latency, measure_latency
from bench.checkers.recovery import read_trials, recovery_samples
from bench.checkers.reload import Reloads, check_reloads
from bench.checkers.repetition import Repetition, count_repetition
from bench.checkers.soak import check_tried, faults_by_kind, struck_places, throughput
from bench.checkers.statistics import recovery_curve, wilson
from bench.checkers.terms import mean_terms, say_terms
from bench.checkers.timeline import build_timelines
from bench.checkers.verdict import Checks
from bench.record.metrics import Bucket, CellMetrics, Rate, Trial
from bench.record.run_info import FAULTS_CONFIRMED, CellKind
from shared.domain.promises import Promise


def measure_cell(
    cell: CellHistory,
    buckets: Buckets,
    reloads: Reloads,
    unfaulted_s: Sequence[float],
    confirmation: Confirmation,
    checks: Checks,
) -> CellMetrics:
    """Return the numbers of a cell, with every check that its kind of faults has.

    `unfaulted_s` are the completion times that a penalty is measured against, `confirmation` says
    which faults of an experiment hit. A number that cannot be computed is none, with a check that
    says why.
    """
    info, jobs, of_job = cell.info, cell.every_job, buckets.of_job
    # A process that is struck whatever it does has no attempt to recover.
    aimed = cell
    if info.kind is CellKind.SOAK:
        aimed = replace(cell, faults=[fault for fault in cell.faults if fault.aimed])
    trials: list[Trial] | None = []
    if info.kind is not CellKind.EXPERIMENT:
        trials = checks.value("recovery", None, partial(read_trials, aimed, of_job, unfaulted_s))
    repetition = checks.value("repetition", Repetition(), partial(count_repetition, jobs))
    device_s = dict(checks.value("device time", {}, partial(split_device_time, jobs, of_job)))
    device_s[Cause.RELOAD] = reloads.seconds.get(info.id, 0.0)
    latency = checks.value("latency", Latency.none(), partial(measure_latency, cell, of_job))
    confirmed = [trial for trial in trials or [] if trial.confirmed]
    hit = len(confirmed)
    too_busy = ""
    places = struck_places(cell) if info.kind is CellKind.SOAK else []

    match info.kind:
        case CellKind.TRIALS:
            run_invariants(checks, cell, buckets)
            ambiguous = reloads.ambiguous.get(info.id, 0)
            checks.run("model loads told apart", partial(check_reloads, ambiguous))
            too_busy = checks.value(KEPT_UP, "", partial(why_too_busy, cell))
            checks.run(KEPT_UP, partial(check_kept_up, too_busy))
            if trials is not None:
                checks.run("faults hit", partial(check_faults, info, trials, too_busy))
                checks.run("recovery within bound", partial(check_bound, cell, trials, too_busy))
        case CellKind.SOAK:
            run_invariants(checks, cell, buckets)
            hit = sum(place.reported_hit for place in places)
            checks.run("faults accounted for", partial(check_tried, info, places))
        case CellKind.EXPERIMENT:
            hit = checks.value(
                "faults hit", 0, lambda: sum(confirmation.of(info, job) for job in jobs)
            )
            checks.run("faults hit", partial(check_confirmed, info, hit))
            checks.run("buckets add up", partial(check_buckets, buckets))
    for demand in info.demands:
        if demand not in (FAULTS_CONFIRMED, Promise.WITHIN_BOUND):
            judged = partial(check_demand, demand, buckets, repetition, too_busy)
            checks.run(demand, judged)

    handed_out, recovery, resumption, penalty = recovery_samples(trials or [])
    # Where the time went says nothing once the machine took it.
    timed = [] if too_busy else confirmed
    terms_s = mean_terms(trial.terms for trial in timed if trial.terms)
    busy_s = sum(device_s.values())
    wasted_s = {cause: s for cause, s in device_s.items() if cause is not Cause.USEFUL}
    faults = faults_by_kind(cell, trials or []) if places else []
    done, every_s = throughput(cell, of_job) if info.duration_s else ([], 0.0)
    metrics = CellMetrics(
        id=info.id,
        arm=info.arm,
        engine=info.engine,
        profile=info.profile,
        workload=info.workload,
        compute=info.compute,
        fault=info.fault,
        trials=info.trials,
        faults_confirmed=hit,
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
        wasted_per_fault_s={c.value: s / hit for c, s in wasted_s.items() if hit},
        goodput=device_s.get(Cause.USEFUL, 0.0) / busy_s if busy_s else None,
        accept_latency_s=latency.accept_s,
        end_to_end_s=latency.end_to_end_s,
        schedule_lag_s=latency.schedule_lag_s,
        verdict=checks.verdict,
        checks=checks.done,
        trial_list=trials or [],
        graceful=sum(trial.graceful for trial in trials or []),
        detection_budget_s=info.detection_budget_s,
        handed_out_s=handed_out,
        terms_s=terms_s,
        terms_said=say_terms(info, terms_s),
        recovered_unknown=buckets.recovered_unknown,
        kills=sum(fault.kills for fault in faults),
        faults=faults,
        throughput=done,
        every_s=every_s,
        mode=info.mode,
        too_busy=too_busy,
        receiver=info.receiver,
        stuck=buckets.stuck,
    )
    if info.kind is not CellKind.TRIALS:
        return metrics
    return replace(
        metrics,
        recovery_curve=recovery_curve(trials or []),
        timelines=build_timelines(cell, trials or []),
        documented=documented(metrics),
    )


def _rate(trials: Sequence[Trial], bucket: Bucket) -> Rate:
    return wilson(sum(trial.bucket is bucket for trial in trials), len(trials))
