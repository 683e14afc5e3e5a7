"""Retry, timeout and routing numbers that both engines must honour.

`maximum_attempts` counts executions, the first one included: Celery's `max_retries` is this
number minus one.
"""

import tomllib
from dataclasses import dataclass
from enum import StrEnum
from importlib.resources import files
from importlib.resources.abc import Traversable


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
    seen_through: bool = False
    """Whether a cancel no longer stops it once it has begun."""

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


def _policies_of(folder: Traversable) -> dict[str, StepPolicy]:
    steps = tomllib.loads((folder / "policy.toml").read_text())
    return {
        step: StepPolicy(**{**policy, "queue": Queue(policy["queue"])})
        for step, policy in steps.items()
    }


_BY_WORKLOAD = {
    folder.name.replace("_", "-"): _policies_of(folder)
    for folder in sorted(files("shared.workloads").iterdir(), key=lambda each: each.name)
    if (folder / "policy.toml").is_file()
}
WORKLOAD_NAMES = tuple(_BY_WORKLOAD)
"""The workloads that there are, as the API names them: each has a folder in `shared/workloads`."""
POLICIES: dict[str, StepPolicy] = {}
"""By kind of step, as the workloads' `policy.toml` have them."""
for _step, _policy in (item for steps in _BY_WORKLOAD.values() for item in steps.items()):
    if POLICIES.setdefault(_step, _policy) != _policy:
        raise ValueError(f"two workloads have a step {_step!r}, each with a policy of its own")


def policy_of(step: str) -> StepPolicy:
    """Return the policy of a step; `generate_image/1` has that of `generate_image`."""
    return POLICIES[step.partition("/")[0]]
