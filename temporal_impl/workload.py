"""What a workload is to Temporal: its workflow and activities, and what its workflow shows."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from temporalio.client import WorkflowExecutionDescription

from shared.domain.jobs import EngineView
from shared.domain.status import JobStatus
from shared.policy import Queue
from shared.runtime import Runtime
from shared.settings import Settings
from shared.workloads.workload import Workload
from temporal_impl.options import StepOptions
from temporal_impl.trace import PendingStep

# WorkflowExecutionStarted, WorkflowTaskScheduled, WorkflowTaskStarted: no step scheduled yet.
_EVENTS_BEFORE_FIRST_STEP = 3


@dataclass(frozen=True, slots=True)
class Served:
    """What one worker registers."""

    workflows: list[type]
    activities: list[Callable[..., Any]]


class TemporalWorkload:
    """One workload; `temporal_impl.workloads` has all of them. No worker is needed to see a job."""

    workload: Workload[Any, Any]
    workflow: type
    first_step: str
    standalone = False
    """Whether its jobs may be a Standalone Activity, if the profile says so."""

    def served(self, role: Queue, runtime: Runtime) -> Served:
        """Return what a worker of this role registers; workflows run beside the CPU steps."""
        raise NotImplementedError

    def given(
        self, job_id: str, request: Any, options: dict[str, StepOptions], settings: Settings
    ) -> tuple[object, Mapping[str, object] | None]:
        """Return the input of a job's workflow, and its memo."""
        raise NotImplementedError

    async def open_view(
        self, description: WorkflowExecutionDescription, pending: list[PendingStep]
    ) -> EngineView:
        """Return the view of a job whose workflow runs."""
        updated_at_s = last_heard_of_s(pending, description.start_time.timestamp())
        if self._first_step_waits(pending, description.history_length):
            return EngineView(JobStatus.ACCEPTED, updated_at_s=updated_at_s)
        return EngineView(JobStatus.RUNNING, step=current_step(pending), updated_at_s=updated_at_s)

    def ended_view(self, result: Any, closed_at_s: float | None) -> EngineView:
        """Return the view of a job whose workflow completed with this result."""
        return EngineView(JobStatus.SUCCEEDED, result=result, updated_at_s=closed_at_s)

    async def waits_for(self, description: WorkflowExecutionDescription) -> str | None:  # noqa: ARG002
        """Say what an idle workflow waits for from outside; None if for nothing."""
        return None

    def _first_step_waits(self, pending: list[PendingStep], history_length: int) -> bool:
        match pending:
            case []:
                return history_length <= _EVENTS_BEFORE_FIRST_STEP
            case [step]:
                return step.step == self.first_step and not step.ever_started
            case _:
                return False


def pending_steps(description: WorkflowExecutionDescription) -> list[PendingStep]:
    """Return the activities that the workflow waits for."""
    return [
        PendingStep.of(info.activity_id, info)
        for info in description.raw_description.pending_activities
    ]


def current_step(pending: list[PendingStep]) -> str | None:
    """Return the step that a worker has, else the next one."""
    running = next((step for step in pending if step.with_a_worker), None)
    step = running or next(iter(pending), None)
    return step.step if step else None


def last_heard_of_s(pending: list[PendingStep], since_s: float) -> float:
    """Return the time of the newest heartbeat or start, `since_s` if there is none."""
    times = [step.last_heartbeat_s or step.last_started_s for step in pending]
    return max((time for time in times if time), default=since_s)
