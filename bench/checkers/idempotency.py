"""What each idempotency mode repeated under each experiment, from the history alone."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from bench.checkers.attempts import PROCESS_EXIT
from bench.checkers.buckets import Buckets, check_buckets, sort_into_buckets
from bench.checkers.by_job import CellHistory, JobHistory, by_cell
from bench.checkers.demands import check_demand
from bench.checkers.repetition import Repetition, count_repetition
from bench.checkers.verdict import Checks
from bench.record.history import FaultPhase, History, ProcessEvent
from bench.record.metrics import Bucket, Check, IdempotencyMetrics, Verdict
from bench.record.run_info import CellInfo, ExperimentInfo, RunInfo
from shared.domain.jobs import Bound
from shared.domain.records import AttemptRecord
from shared.domain.status import RecordKind
from shared.sabotage import CrashPoint, Moment, Strike

_KILLED = "-9"
WORKLOAD, COMPUTE = "image-generation", "simulated"


def measure_idempotency(info: RunInfo, history: History) -> list[IdempotencyMetrics]:
    """Return one entry an experiment, arm and mode, in the order of the run's metadata."""
    as_cells = replace(info, cells=[_as_cell(experiment) for experiment in info.idempotency])
    cells = by_cell(as_cells, history)
    witness = _Witness(history)
    return [_measure(experiment, cells[experiment.id], witness) for experiment in info.idempotency]


def unmeasured(info: RunInfo, why: Check) -> list[IdempotencyMetrics]:
    """Return entries of which nothing is known but that the history could not be sorted."""
    checks = Checks([why])
    return [
        _entry(experiment, 0, Buckets.none(), Repetition(), checks)
        for experiment in info.idempotency
    ]


def _as_cell(info: ExperimentInfo) -> CellInfo:
    """The form in which the history is sorted; its processes go by the place's name."""
    return CellInfo(
        id=info.id,
        arm=info.place,
        engine=info.engine,
        profile=info.profile,
        workload=WORKLOAD,
        compute=COMPUTE,
        fault=info.experiment,
        trials=info.trials,
        drain_s=info.drain_s,
        predicted=Bound(None, {}, ""),
        owed_effects=info.owed_effects,
    )


def _measure(info: ExperimentInfo, cell: CellHistory, witness: "_Witness") -> IdempotencyMetrics:
    checks, jobs = Checks(), cell.every_job
    buckets = checks.value("buckets", Buckets.none(), partial(sort_into_buckets, cell))
    repetition = checks.value("repetition", Repetition(), partial(count_repetition, jobs))
    confirmed = checks.value(
        "faults hit", 0, lambda: sum(witness.saw(info, job) for job in cell.every_job)
    )
    checks.run("faults hit", partial(_check_faults, info, confirmed))
    checks.run("buckets add up", partial(check_buckets, buckets))
    for demand in info.demands:
        checks.run(demand, partial(check_demand, demand, buckets, repetition))
    return _entry(info, confirmed, buckets, repetition, checks)


def _entry(
    info: ExperimentInfo, confirmed: int, buckets: Buckets, repetition: Repetition, checks: Checks
) -> IdempotencyMetrics:
    return IdempotencyMetrics(
        id=info.id,
        arm=info.arm,
        engine=info.engine,
        profile=info.profile,
        mode=info.mode,
        experiment=info.experiment,
        receiver=info.receiver,
        trials=info.trials,
        faults_confirmed=confirmed,
        jobs=buckets.jobs,
        completed=buckets.counts[Bucket.COMPLETED],
        re_executions=repetition.re_executions,
        duplicate_executions=repetition.duplicate_executions,
        duplicate_effects=repetition.duplicate_effects,
        suppressed_effects=repetition.suppressed_effects,
        phantoms=buckets.counts[Bucket.PHANTOM],
        lost=buckets.counts[Bucket.LOST],
        unrecovered=buckets.counts[Bucket.UNRECOVERED],
        verdict=checks.verdict,
        checks=checks.done,
    )


def _check_faults(info: ExperimentInfo, confirmed: int) -> Check:
    detail = f"{confirmed} of {info.trials} faults confirmed by the history"
    return Check(
        "faults hit", Verdict.VALID if confirmed == info.trials else Verdict.UNKNOWN, detail
    )


class _Witness:
    """Says whether a fault hit its job as it was meant to. The injector's word is not enough."""

    def __init__(self, history: History) -> None:
        self._exits = [event for event in history.processes if event.phase == PROCESS_EXIT]
        self._woken = {
            event.attempt_id: event.mono_s
            for event in history.faults
            if event.phase is FaultPhase.HEALED
        }
        self._by_process: dict[tuple[str, int], list[AttemptRecord]] = {}
        for record in history.attempts:
            self._by_process.setdefault((record.worker, record.pid), []).append(record)

    def saw(self, info: ExperimentInfo, job: JobHistory) -> bool:
        """Whether the job's fault is in the history, with what it must have done."""
        if info.crash_point is None:
            return any(effect.unanswered for effect in job.effects)
        struck = _struck(job, info.crash_point)
        if struck is None:
            return False
        if CrashPoint.parse(info.crash_point).strike is Strike.KILL:
            return self._died(info, job, struck)
        return self._slept(info, job, struck)

    def _died(self, info: ExperimentInfo, job: JobHistory, struck: AttemptRecord) -> bool:
        """The worker exited by SIGKILL, and the attempt got no further."""
        exits = [e for e in self._exits if _same_place(e, info, struck)]
        died = bool(exits) and min(exits, key=lambda e: e.mono_s).detail == _KILLED
        last_words = (
            {RecordKind.FINISHED}
            if CrashPoint.parse(struck.detail).moment is Moment.AFTER_COMMIT
            else set()
        )
        return died and {record.kind for record in _after(job, struck)} <= last_words

    def _slept(self, info: ExperimentInfo, job: JobHistory, struck: AttemptRecord) -> bool:
        """The worker was still past the lease, and another attempt began to work meanwhile."""
        woken_s = self._woken.get(struck.attempt_id)
        if woken_s is None or woken_s - struck.mono_s < info.lease_s:
            return False
        stirred = any(
            struck.mono_s < record.mono_s < woken_s and record.job_id == struck.job_id
            for record in self._by_process[struck.worker, struck.pid]
        )
        others = [a for a in job.steps[struck.step] if a.id != struck.attempt_id]
        succeeded = any(struck.mono_s < (a.working_s or 0.0) <= woken_s for a in others)
        return succeeded and not stirred


def _struck(job: JobHistory, point: str) -> AttemptRecord | None:
    records = (r for attempts in job.steps.values() for a in attempts for r in a.records)
    kind = RecordKind.CRASH_POINT
    return next((r for r in records if r.kind is kind and r.detail == point), None)


def _after(job: JobHistory, struck: AttemptRecord) -> Sequence[AttemptRecord]:
    attempt = next(a for a in job.steps[struck.step] if a.id == struck.attempt_id)
    return attempt.records[attempt.records.index(struck) + 1 :]


def _same_place(event: ProcessEvent, info: ExperimentInfo, struck: AttemptRecord) -> bool:
    return (event.arm, event.name) == (info.place, struck.worker) and event.mono_s >= struck.mono_s
