"""One attempt of a step as Temporal sees it: the server keeps its heartbeats and its cancel."""

from collections.abc import Mapping

from temporalio import activity

from shared.policy import NOTIFY_USER, RELEASE_CREDITS
from shared.ports.step_host import StopReason

# Once begun, these are seen through: the cancel that led to a release must not stop the release.
_SEEN_THROUGH = frozenset({NOTIFY_USER, RELEASE_CREDITS})


class ActivityHost:
    """A `StepHost` on the running activity. Heartbeat details: step, done, total, checkpoint.

    The step is among them because one activity may run several steps, one after the other.
    """

    def __init__(self, step: str) -> None:
        self._step = step
        self._info = activity.info()

    @property
    def attempt(self) -> int:
        return self._info.attempt

    def heartbeat(self, done: int, total: int, checkpoint: str | None) -> None:
        # Without a heartbeat timeout nobody listens; the guide's code sends none.
        if self._info.heartbeat_timeout is not None:
            activity.heartbeat(
                {"step": self._step, "done": done, "total": total, "checkpoint": checkpoint}
            )

    def resume_ref(self) -> str | None:
        match self._info.heartbeat_details:
            case [Mapping() as last, *_] if last.get("step") == self._step:
                return last.get("checkpoint")
            case _:
                return None

    def stop_reason(self) -> StopReason | None:
        details = activity.cancellation_details()
        if details is None:
            return None
        if details.cancel_requested:
            return None if self._step in _SEEN_THROUGH else StopReason.CANCELLED
        if details.not_found or details.timed_out:
            return StopReason.SUPERSEDED
        # The grace is over; or an operator has paused or reset the activity, which also means
        # that this attempt is to end and another will come.
        return StopReason.WORKER_STOPPING
