"""What a workload is to Celery: its flows, and how a job goes on whose messages are gone."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from celery import Celery

from celery_impl.signatures import Signature
from shared.domain.status import JobStatus
from shared.settings import Settings
from shared.workloads.workload import Workload


@dataclass(frozen=True, slots=True)
class JobState:
    """A job as it is kept in SQL: one row of the job table."""

    workload: str
    request: str
    status: JobStatus
    updated_at_s: float
    deadline_s: float | None = None
    step: str | None = None
    result: str | None = None
    error: str | None = None
    cancel_requested: bool = False
    outcome: JobStatus | None = None
    compensated_for: str | None = None

    @property
    def ending(self) -> bool:
        """Whether the job is over, or it is settled how it will end."""
        return self.status.terminal or self.outcome is not None

    def overdue(self, now_s: float) -> bool:
        """Whether its deadline has passed."""
        return self.deadline_s is not None and self.deadline_s <= now_s


@dataclass(frozen=True, slots=True)
class CeleryWorkload:
    """One workload; `celery_impl.workloads` has all of them."""

    workload: Workload[Any, Any]
    task_module: str
    """The module that registers its tasks."""
    first_step: str
    flow: Callable[[Celery, str, JobState, str, Collection[str]], Signature]
    """From app, job id, job, first step and finished steps: what is published next."""
    next_step: Callable[[JobState, Collection[str]], str]
    """From job and finished steps: the step from which a job goes on that stands still."""
    steps: Callable[[JobState], Collection[str]]
    """Every step that a job may have."""
    fan_out: Callable[[JobState], tuple[str, set[str]]] | None = None
    """The step before the job's fan-out, and the fan-out's members."""
    input_wait_s: Callable[[Settings], float] | None = None
    """How long its jobs wait for their files."""
    renamed_tasks: Mapping[str, str] = field(default_factory=dict)
    """Tasks that are not named after their step, with their step."""
