"""A pattern's job: its input, and the options of its steps, which follow from it.

A workflow that read the detection budget from the environment would replay differently on another
worker, so the budget comes with the input.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from temporalio.common import RetryPolicy
from temporalio.workflow import ActivityConfig

from shared.domain.errors import StepRefused

CPU = "patterns-cpu"
GPU = "patterns-gpu"


@dataclass(frozen=True, slots=True)
class Job:
    """The input of every pattern's workflow; `detection_budget_s` as in the settings."""

    given: dict[str, Any]
    detection_budget_s: float

    def step(self, name: str, task_queue: str = CPU) -> ActivityConfig:
        """Return the options of a short step: a dead worker's is known by its start-to-close."""
        return ActivityConfig(
            activity_id=name,
            task_queue=task_queue,
            start_to_close_timeout=self.part(0.75),
            retry_policy=RetryPolicy(
                initial_interval=self.part(0.05), non_retryable_error_types=[StepRefused.__name__]
            ),
        )

    def long_step(self, name: str, task_queue: str = GPU) -> ActivityConfig:
        """Return the options of a long step: a dead worker's is known by its heartbeat."""
        options = self.step(name, task_queue)
        options["start_to_close_timeout"] = timedelta(hours=1)
        options["heartbeat_timeout"] = self.part(0.5)
        return options

    def part(self, share: float) -> timedelta:
        """Return a share of the detection budget."""
        return timedelta(seconds=share * self.detection_budget_s)
