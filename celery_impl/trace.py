"""Whether a job is still held: in SQL, in a queue, unacknowledged, or in a live worker's hands.

A message that was acknowledged early exists nowhere once its worker is dead, and a chord whose
member is gone waits for ever without a trace: both are lost, not late, unless the profile has jobs
that stand still published again.
"""

import time
from collections.abc import Mapping, Sequence

from celery_impl.kept_by_us.application import ChangeoverApp
from celery_impl.kept_by_us.face_waits import missing
from celery_impl.kept_by_us.queues import HeldMessage, Queues
from celery_impl.kept_by_us.running import Running
from celery_impl.workload import JobState
from celery_impl.workloads import WORKLOADS
from shared.domain.jobs import EngineTrace
from shared.domain.status import JobStatus


class Tracer:
    """Reads the broker, the job state and the ledger; changes nothing."""

    def __init__(self, app: ChangeoverApp, queues: Queues, running: Running) -> None:
        self._app = app
        self._queues = queues
        self._running = running

    def trace(self, job_id: str) -> EngineTrace:
        """Return where the job is and until when at the latest it is handed out again.

        `UnknownJob` if Celery never got it, one of `BROKER_ERRORS` if the broker does not answer.
        """
        job = self._app.states.job(job_id)
        if job.status.terminal:
            return EngineTrace(False, f"over: {job.status.value}", closed=True)
        messages = self._queues.messages_of(job_id)
        if wait := self._wait(job_id, job):
            return EngineTrace(True, wait)
        running = self._running.of_job(job_id)
        detail: dict[str, object] = {
            "messages": [f"{message.step}: {_place(message)}" for message in messages],
            "running": [f"{record.step} on {record.worker}" for record in running],
        }
        steps = {message.step for message in messages} | {record.step for record in running}
        unnamed = {queue: n for queue, n in self._queues.unnamed().items() if n}
        if not steps:
            if announced := self._announced(job_id):
                return EngineTrace(True, f"to be published by the sweeper: {announced}")
            if unnamed:
                detail["waiting"] = unnamed
                return EngineTrace(True, f"may be in a queue: {_counted(unnamed)}", detail=detail)
            if self._app.profile.recovers:
                due_in_s = self._recovered_in_s(job)
                return EngineTrace(True, "to be published again: stands still", due_in_s, detail)
            return EngineTrace(False, "nowhere: no message, no live worker", detail=detail)
        if not unnamed and (gone := self._lost_members(job_id, job, steps)):
            detail["lost_members"] = gone
            if self._app.profile.recovers:
                return EngineTrace(True, "to be published again: a lost member", None, detail)
            return EngineTrace(False, "a chord that waits for a lost member", detail=detail)
        where = _place(messages[0]) if messages else "running on a live worker"
        return EngineTrace(True, where, self._due_in_s(messages), detail)

    def _wait(self, job_id: str, job: JobState) -> str | None:
        """Say what a job waits for that no message stands for, None if for nothing."""
        if job.ending:
            return None
        match job.status:
            case JobStatus.WAITING:
                return f"waiting for files: {', '.join(missing(self._app.sessions.files(job_id)))}"
            case JobStatus.REVIEW:
                return "waiting for a review"
            case _:
                return None

    def _announced(self, job_id: str) -> str | None:
        """Return the step that the sweeper will publish, for the first time or once more."""
        for each in self._app.publications.of_job(job_id):
            if each.published_at_s is None or self._app.profile.recovers:
                return each.step
        return None

    def _lost_members(self, job_id: str, job: JobState, steps: set[str]) -> list[str]:
        fan_out = WORKLOADS[job.workload].fan_out
        if fan_out is None or job.ending:
            return []
        done, (before, members) = self._app.step_states.results(job_id), fan_out(job)
        if before not in done or before in steps:
            return []  # the fan-out is still to be published, or will be again
        return sorted(members - steps - done.keys())

    def _recovered_in_s(self, job: JobState) -> float:
        """Return the wait for `recover` to find a job of which the broker holds nothing.

        Negative if that is overdue: it takes beat and a CPU worker.
        """
        profile = self._app.profile
        noticed_s = profile.redelivered_within_s
        period_s = self._app.settings.detection_budget_s
        return job.updated_at_s + noticed_s + period_s - time.time()

    def _due_in_s(self, messages: Sequence[HeldMessage]) -> float | None:
        """Return the wait for the last message to be handed out again, None without a bound.

        A message in a queue waits for a free worker, for how long Celery cannot say; and it takes
        a live worker to sweep.
        """
        delivered = [message.delivered_at_s for message in messages]
        if not delivered or None in delivered or not self._running.alive():
            return None
        last_s = max(at_s for at_s in delivered if at_s is not None)
        return max(0.0, last_s + self._app.profile.redelivered_within_s - time.time())


def _counted(unnamed: Mapping[str, int]) -> str:
    return ", ".join(f"{n} in {queue}" for queue, n in unnamed.items())


def _place(message: HeldMessage) -> str:
    if message.delivered_at_s is None:
        return f"queue {message.queue}"
    if message.eta:
        return f"unacked from queue {message.queue}, scheduled for {message.eta}"
    return f"unacked from queue {message.queue}"
