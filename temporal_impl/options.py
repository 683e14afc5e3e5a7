"""Activity options as plain data, which a workflow gets with its input.

So a job keeps those that it was started with, whichever worker runs its workflow, and whatever is
deployed meanwhile. Other options would not break a replay, which compares a step's type and id and
no timeouts or retries (tests/unit/temporal_impl/test_replay.py).
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Self

from temporalio.common import RetryPolicy
from temporalio.workflow import ActivityCancellationType, ActivityConfig

from shared.policy import Queue

CPU_TASK_QUEUE = "cpu-task-queue"
GPU_TASK_QUEUE = "gpu-task-queue"
TASK_QUEUES = {Queue.CPU: CPU_TASK_QUEUE, Queue.GPU: GPU_TASK_QUEUE}


@dataclass(frozen=True, slots=True)
class Retry:
    """A retry policy; times in seconds, the first attempt counts."""

    initial_interval_s: float
    backoff: float
    maximum_interval_s: float
    maximum_attempts: int

    def to_temporal(self) -> RetryPolicy:
        """Return the SDK's form."""
        return RetryPolicy(
            initial_interval=timedelta(seconds=self.initial_interval_s),
            backoff_coefficient=self.backoff,
            maximum_interval=timedelta(seconds=self.maximum_interval_s),
            maximum_attempts=self.maximum_attempts,
        )

    @classmethod
    def of(cls, policy: RetryPolicy) -> Self:
        """Read one from the SDK's form."""
        # The SDK and the server take 100 x the first interval for a maximum that is not given.
        maximum = policy.maximum_interval or policy.initial_interval * 100
        return cls(
            initial_interval_s=policy.initial_interval.total_seconds(),
            backoff=policy.backoff_coefficient,
            maximum_interval_s=maximum.total_seconds(),
            maximum_attempts=policy.maximum_attempts,
        )

    def delay_s(self, attempt: int) -> float:
        """Return the wait before the attempt that follows failed attempt `attempt` (from 1)."""
        return min(self.initial_interval_s * self.backoff ** (attempt - 1), self.maximum_interval_s)


SERVER_DEFAULT_RETRY = Retry.of(RetryPolicy())
"""What the server applies where none is given; the SDK's defaults are the same."""


@dataclass(frozen=True, slots=True)
class StepOptions:
    """How the server routes, bounds and retries one kind of step; `retry` None is its default."""

    task_queue: str
    start_to_close_s: float
    heartbeat_timeout_s: float | None
    retry: Retry | None
    wait_for_cancel: bool

    def to_temporal(self, step: str) -> ActivityConfig:
        """Return the SDK's form.

        The activity's id is the step's name, so that `describe`, which needs no worker, names it.
        """
        return ActivityConfig(
            activity_id=step,
            task_queue=self.task_queue,
            start_to_close_timeout=timedelta(seconds=self.start_to_close_s),
            heartbeat_timeout=(
                timedelta(seconds=self.heartbeat_timeout_s) if self.heartbeat_timeout_s else None
            ),
            retry_policy=self.retry.to_temporal() if self.retry else None,
            cancellation_type=(
                ActivityCancellationType.WAIT_CANCELLATION_COMPLETED
                if self.wait_for_cancel
                else ActivityCancellationType.TRY_CANCEL
            ),
        )

    @property
    def first_backoff_s(self) -> float:
        """The wait between the failure of a first attempt and the second one."""
        return (self.retry or SERVER_DEFAULT_RETRY).delay_s(1)
