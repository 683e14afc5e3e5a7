"""One attempt of a step as Temporal sees it: the server keeps its heartbeats and its cancel."""

from collections.abc import Mapping
from typing import Any

from temporalio import activity

from shared.policy import policy_of
from shared.ports.step_host import StopReason


class ActivityHost:
    """A `StepHost` on the running activity, which may run several steps, one after the other.

    Heartbeat details: the step, how far it is, the newest checkpoint, and whose that is. The
    server keeps only the last ones, so a step that begins sends on what an earlier attempt left.
    Unless it `resumes`, a step sends a bare heartbeat with each report of progress, and every
    attempt starts from nothing.
    """

    def __init__(self, step: str, *, resumes: bool = True) -> None:
        self._step = step
        self._resumes = resumes
        self._info = activity.info()
        self._left: Mapping[str, Any] = next(iter(self._info.heartbeat_details), {})
        if resumes:
            self._send(0, 0, self._left.get("checkpoint"), self._left.get("checkpoint_of"))

    @property
    def attempt(self) -> int:
        return self._info.attempt

    def begin(self) -> None:
        """Nothing: the server has counted the attempt."""

    def heartbeat(self, done: int, total: int, checkpoint: str | None) -> None:
        if self._resumes:
            self._send(done, total, checkpoint, self._step)
        elif self._info.heartbeat_timeout is not None:
            activity.heartbeat()

    def resume_ref(self) -> str | None:
        if not self._resumes or self._left.get("checkpoint_of") != self._step:
            return None
        return self._left.get("checkpoint")

    def finish(self, result: str) -> None:
        """Nothing: the server is told when the activity returns."""

    def stop_reason(self) -> StopReason | None:
        details = activity.cancellation_details()
        if details is None:
            return None
        if details.cancel_requested:
            # The cancel that led to a release must not stop the release.
            return None if policy_of(self._step).seen_through else StopReason.CANCELLED
        if details.not_found or details.timed_out:
            return StopReason.SUPERSEDED
        # The grace is over; or an operator has paused or reset the activity, which also means
        # that this attempt is to end and another will come.
        return StopReason.WORKER_STOPPING

    def _send(
        self, done: int, total: int, checkpoint: str | None, checkpoint_of: str | None
    ) -> None:
        # Without a heartbeat timeout nobody listens; the guide's code sends none.
        if self._info.heartbeat_timeout is None:
            return
        activity.heartbeat(
            {
                "step": self._step,
                "done": done,
                "total": total,
                "checkpoint": checkpoint,
                "checkpoint_of": checkpoint_of,
            }
        )
