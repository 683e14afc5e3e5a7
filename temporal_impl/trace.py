"""Where the server holds a job and when it will hand it out again, from `describe` alone."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Self

from google.protobuf.timestamp_pb2 import Timestamp
from temporalio.api.activity.v1 import ActivityExecutionInfo, ActivityOptions
from temporalio.api.enums.v1 import PendingActivityState
from temporalio.api.workflow.v1 import PendingActivityInfo
from temporalio.common import RetryPolicy

from shared.domain.jobs import EngineTrace
from temporal_impl.options import Retry

_PREFIX = "PENDING_ACTIVITY_STATE_"
_WITH_A_WORKER = frozenset({"started", "cancel_requested", "pause_requested"})

TIMER_SHIFT_S = 1.0
"""How late the server may fire a timer that was set less than this ahead, as a heartbeat's is
again and again: server `history.timerProcessorMaxTimeShift`."""


@dataclass(frozen=True, slots=True)
class PendingStep:
    """An activity that the server has not seen the end of. Times in Unix seconds."""

    step: str
    state: str
    attempt: int
    worker: str
    last_started_s: float | None
    last_heartbeat_s: float | None
    next_attempt_s: float | None
    silence_s: float
    """How long its worker may be silent: the heartbeat timeout, else start_to_close."""
    backoff_s: float
    """The wait between a failure of this attempt and the next attempt."""

    @classmethod
    def of(cls, step: str, info: PendingActivityInfo | ActivityExecutionInfo) -> Self:
        """Read one from what the server describes; both kinds name their fields alike."""
        options: ActivityOptions | ActivityExecutionInfo
        if isinstance(info, PendingActivityInfo):
            state, options = info.state, info.activity_options
        else:
            state, options = info.run_state, info
        attempt = max(1, info.attempt)
        heartbeat_s = options.heartbeat_timeout.ToTimedelta().total_seconds()
        return cls(
            step=step,
            state=PendingActivityState.Name(state).removeprefix(_PREFIX).lower(),
            attempt=attempt,
            worker=info.last_worker_identity,
            last_started_s=_seconds(info.last_started_time),
            last_heartbeat_s=_seconds(info.last_heartbeat_time) if heartbeat_s else None,
            next_attempt_s=_seconds(info.next_attempt_schedule_time),
            silence_s=heartbeat_s or options.start_to_close_timeout.ToTimedelta().total_seconds(),
            backoff_s=Retry.of(RetryPolicy.from_proto(options.retry_policy)).delay_s(attempt),
        )

    @property
    def with_a_worker(self) -> bool:
        """Whether an attempt runs, or ran when its worker was last heard of."""
        return self.state in _WITH_A_WORKER

    @property
    def ever_started(self) -> bool:
        """Whether any attempt was started."""
        return self.with_a_worker or self.attempt > 1

    @property
    def where(self) -> str:
        """The step, its state and its attempt, for a person to read."""
        return f"{self.step}: {self.state}, attempt {self.attempt}"

    def due_in_s(self, now_s: float) -> float:
        """Return how long it is, at the most, until a worker is offered the step again.

        For a step with a worker that holds if the worker is dead; 0 if it waits in its queue.
        """
        if not self.with_a_worker:
            return max(0.0, (self.next_attempt_s or now_s) - now_s)
        heard_of_s = max(self.last_started_s or now_s, self.last_heartbeat_s or 0.0)
        due_s = heard_of_s + self.silence_s + TIMER_SHIFT_S + self.backoff_s
        return max(0.0, due_s - now_s)


def held(steps: Sequence[PendingStep]) -> EngineTrace:
    """Return the trace of a job with pending steps: due when the last of them is."""
    now_s = datetime.now(UTC).timestamp()
    return EngineTrace(
        held=True,
        where="; ".join(step.where for step in steps),
        due_in_s=max(step.due_in_s(now_s) for step in steps),
        detail={"pending": [asdict(step) for step in steps]},
    )


def waits(what: str) -> EngineTrace:
    """Return the trace of an open job that waits for something from outside: due when it comes."""
    return EngineTrace(held=True, where=f"waiting for {what}")


def _seconds(time: Timestamp) -> float | None:
    # An unset protobuf timestamp reads as the epoch.
    return time.ToDatetime(UTC).timestamp() if time.seconds else None
