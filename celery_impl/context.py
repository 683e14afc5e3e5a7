"""One attempt as Celery sees it: built on the job state, since the broker knows none of it."""

import time

from celery_impl.kept_by_us.state import JobStates
from celery_impl.kept_by_us.step_state import StepStates
from celery_impl.steps import Steps
from shared.ports.step_host import StopReason

_ASK_EVERY_S = 0.25


class CeleryHost:
    """`StepHost` on SQL. Reads the wish to stop at most four times a second.

    Whoever makes one has just read the job, so the first time is a quarter of a second later.

    Without `checkpoints` every attempt starts from nothing.
    """

    def __init__(
        self,
        states: JobStates,
        steps: Steps,
        checkpoints: StepStates | None,
        job_id: str,
        step: str,
        *,
        heeds_stop: bool,
    ) -> None:
        self._states = states
        self._steps = steps
        self._checkpoints = checkpoints
        self._job_id = job_id
        self._step = step
        self.attempt = 0
        self.kept = False
        """Whether the step's result is in SQL."""
        self._heeds_stop = heeds_stop
        self._saved: str | None = None
        self._asked_at = time.monotonic()
        self._reason: StopReason | None = None

    def begin(self) -> None:
        self.attempt = self._steps.begin_attempt(self._job_id, self._step)

    def heartbeat(self, done: int, total: int, checkpoint: str | None) -> None:  # noqa: ARG002
        # A broker takes no heartbeats: nothing but the checkpoint is worth a transaction.
        if self._checkpoints and checkpoint is not None and checkpoint != self._saved:
            self._checkpoints.save_checkpoint(self._job_id, self._step, checkpoint)
            self._saved = checkpoint

    def resume_ref(self) -> str | None:
        if self._checkpoints and self.attempt != 1:
            self._saved = self._checkpoints.checkpoint(self._job_id, self._step)
        return self._saved

    def finish(self, result: str) -> None:
        self.kept = self._steps.keep(self._job_id, self._step, result)

    def stop_reason(self) -> StopReason | None:
        now = time.monotonic()
        if self._heeds_stop and now - self._asked_at >= _ASK_EVERY_S:
            self._asked_at = now
            self._reason = self._ask()
        return self._reason

    def _ask(self) -> StopReason | None:
        job = self._states.job(self._job_id)
        if job.cancel_requested:
            return StopReason.CANCELLED
        if job.ending:
            return StopReason.SUPERSEDED
        return None
