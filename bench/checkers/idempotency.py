"""Whether each fault of an idempotency experiment hit as it was meant to, by the history alone."""

from collections.abc import Sequence

from bench.checkers.attempts import PROCESS_EXIT
from bench.checkers.by_job import JobHistory
from bench.record.history import FaultPhase, History, ProcessEvent
from bench.record.metrics import Check, Verdict
from bench.record.run_info import CellInfo
from shared.crash_points import CrashAction, CrashPoint, Moment
from shared.domain.records import AttemptRecord
from shared.domain.status import RecordKind

_KILLED = "-9"


def check_confirmed(info: CellInfo, confirmed: int) -> Check:
    """Every fault was seen to hit as it was meant to, else what follows from it is unknown."""
    detail = f"{confirmed} of {info.trials} faults confirmed by the history"
    return Check(
        "faults hit", Verdict.VALID if confirmed == info.trials else Verdict.UNKNOWN, detail
    )


class Confirmation:
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

    def of(self, info: CellInfo, job: JobHistory) -> bool:
        """Whether the job's fault is in the history, with what it must have done."""
        if info.crash_point is None:
            return any(effect.unanswered for effect in job.effects)
        struck = _crash_of(job, info.crash_point)
        if struck is None:
            return False
        if CrashPoint.parse(info.crash_point).action is CrashAction.KILL:
            return self._died(info, job, struck)
        return self._slept(info, job, struck)

    def _died(self, info: CellInfo, job: JobHistory, struck: AttemptRecord) -> bool:
        """The worker exited by SIGKILL, and the attempt got no further."""
        exits = [e for e in self._exits if _same_place(e, info, struck)]
        died = bool(exits) and min(exits, key=lambda e: e.mono_s).detail == _KILLED
        last_words = (
            {RecordKind.FINISHED}
            if CrashPoint.parse(struck.detail).moment is Moment.AFTER_COMMIT
            else set()
        )
        return died and {record.kind for record in _after(job, struck)} <= last_words

    def _slept(self, info: CellInfo, job: JobHistory, struck: AttemptRecord) -> bool:
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


def _crash_of(job: JobHistory, point: str) -> AttemptRecord | None:
    records = (r for attempts in job.steps.values() for a in attempts for r in a.records)
    kind = RecordKind.CRASH_POINT
    return next((r for r in records if r.kind is kind and r.detail == point), None)


def _after(job: JobHistory, struck: AttemptRecord) -> Sequence[AttemptRecord]:
    attempt = next(a for a in job.steps[struck.step] if a.id == struck.attempt_id)
    return attempt.records[attempt.records.index(struck) + 1 :]


def _same_place(event: ProcessEvent, info: CellInfo, struck: AttemptRecord) -> bool:
    return (event.arm, event.name) == (info.place, struck.worker) and event.mono_s >= struck.mono_s
