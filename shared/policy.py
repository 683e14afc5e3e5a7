"""Retry, timeout and routing numbers that both engines must honour.

`maximum_attempts` counts executions, the first one included: Celery's `max_retries` is this
number minus one.
"""

from dataclasses import dataclass
from enum import StrEnum


class Queue(StrEnum):
    """Which kind of worker runs a step."""

    CPU = "cpu"
    GPU = "gpu"


@dataclass(frozen=True, slots=True)
class StepPolicy:
    """How one kind of step is routed, bounded and retried. Times in seconds."""

    queue: Queue
    start_to_close_s: float
    """The longest that one healthy attempt may take."""
    maximum_attempts: int = 5
    initial_interval_s: float = 1.0
    backoff: float = 2.0
    maximum_interval_s: float = 30.0

    def retry_delay_s(self, attempt: int) -> float:
        """Return the wait before the attempt that follows failed attempt `attempt` (from 1)."""
        return float(
            min(self.initial_interval_s * self.backoff ** (attempt - 1), self.maximum_interval_s)
        )


RESERVE_CREDITS = "reserve_credits"
GENERATE_IMAGE = "generate_image"
ASSEMBLE = "assemble"
CAPTURE_CREDITS = "capture_credits"
NOTIFY_USER = "notify_user"
RELEASE_CREDITS = "release_credits"
COMPARE_FACES = "compare_faces"
SAVE_RESULT = "save_result"
OPEN_SESSION = "open_session"
CLOSE_SESSION = "close_session"

POLICIES: dict[str, StepPolicy] = {
    RESERVE_CREDITS: StepPolicy(Queue.CPU, start_to_close_s=30),
    GENERATE_IMAGE: StepPolicy(Queue.GPU, start_to_close_s=1800),
    ASSEMBLE: StepPolicy(Queue.CPU, start_to_close_s=60),
    COMPARE_FACES: StepPolicy(Queue.GPU, start_to_close_s=600, maximum_attempts=3),
    SAVE_RESULT: StepPolicy(Queue.CPU, start_to_close_s=30),
    # Money and compensation must get through: they are tried far longer than the work itself.
    CAPTURE_CREDITS: StepPolicy(Queue.CPU, start_to_close_s=30, maximum_attempts=50),
    NOTIFY_USER: StepPolicy(Queue.CPU, start_to_close_s=30, maximum_attempts=50),
    RELEASE_CREDITS: StepPolicy(Queue.CPU, start_to_close_s=30, maximum_attempts=50),
    OPEN_SESSION: StepPolicy(Queue.CPU, start_to_close_s=30, maximum_attempts=50),
    CLOSE_SESSION: StepPolicy(Queue.CPU, start_to_close_s=30, maximum_attempts=50),
}


def policy_of(step: str) -> StepPolicy:
    """Return the policy of a step; `generate_image/1` has that of `generate_image`."""
    return POLICIES[step.partition("/")[0]]
