"""A job as a workflow: submit, view, cancel and trace, none of which needs a worker."""

from temporalio.client import (
    Client,
    WorkflowExecutionDescription,
    WorkflowExecutionStatus,
    WorkflowFailureError,
    WorkflowHandle,
)
from temporalio.common import WorkflowIDConflictPolicy, WorkflowIDReusePolicy
from temporalio.exceptions import WorkflowAlreadyStartedError

from shared.codec import to_dict
from shared.domain.ids import JobId
from shared.domain.jobs import EngineTrace, EngineView, ImageResult
from shared.domain.status import JobStatus
from shared.policy import RESERVE_CREDITS
from temporal_impl.execution import (
    NOT_HELD,
    NOT_SUBMITTED,
    NotOnServerError,
    failed_view,
    not_found_is_no_error,
)
from temporal_impl.messages import ImageOrder, ImageWorkflowInput
from temporal_impl.options import CPU_TASK_QUEUE
from temporal_impl.profile import TemporalProfile
from temporal_impl.trace import PendingStep, held
from temporal_impl.workflows import ImageGenerationWorkflow

# WorkflowExecutionStarted, WorkflowTaskScheduled, WorkflowTaskStarted: no step scheduled yet.
_EVENTS_BEFORE_FIRST_STEP = 3


class WorkflowJobs:
    """A `JobExecution` whose workflow id is the job's id."""

    def __init__(self, client: Client, profile: TemporalProfile) -> None:
        self._client = client
        self._profile = profile

    async def submit(self, order: ImageOrder) -> None:
        values = self._profile.profile.values
        try:
            await self._client.start_workflow(
                ImageGenerationWorkflow.run,
                ImageWorkflowInput(order, self._profile.all_step_options()),
                id=order.job_id,
                task_queue=CPU_TASK_QUEUE,
                id_reuse_policy=WorkflowIDReusePolicy[values["id_reuse_policy"]],
                id_conflict_policy=WorkflowIDConflictPolicy[values["id_conflict_policy"]],
            )
        except WorkflowAlreadyStartedError:
            # It is closed already: the same job, so the submit has had its effect.
            return

    async def view(self, job_id: JobId) -> EngineView:
        try:
            description = await self._describe(job_id)
        except NotOnServerError:
            return NOT_SUBMITTED
        closed_at_s = description.close_time.timestamp() if description.close_time else None
        match description.status:
            case WorkflowExecutionStatus.RUNNING:
                return _open_view(description)
            case WorkflowExecutionStatus.CANCELED:
                return EngineView(JobStatus.CANCELLED, updated_at_s=closed_at_s)
            case WorkflowExecutionStatus.TIMED_OUT:
                return EngineView(
                    JobStatus.TIMED_OUT, error="the workflow timed out", updated_at_s=closed_at_s
                )
        # Completed, failed or terminated: the outcome is the last event of the history.
        try:
            result = await self._handle(job_id).result(follow_runs=False)
        except WorkflowFailureError as error:
            return failed_view(error, closed_at_s)
        return EngineView(JobStatus.SUCCEEDED, result=to_dict(result), updated_at_s=closed_at_s)

    async def cancel(self, job_id: JobId) -> None:
        try:
            with not_found_is_no_error():
                await self._handle(job_id).cancel()
        except NotOnServerError:
            # Finished, or never submitted.
            return

    async def trace(self, job_id: JobId) -> EngineTrace:
        try:
            description = await self._describe(job_id)
        except NotOnServerError:
            return NOT_HELD
        if description.status is not WorkflowExecutionStatus.RUNNING:
            status = description.status.name.lower() if description.status else "closed"
            return EngineTrace(held=False, where=f"workflow closed: {status}")
        return held(_pending(description))

    def _handle(self, job_id: JobId) -> WorkflowHandle[ImageGenerationWorkflow, ImageResult]:
        return self._client.get_workflow_handle_for(ImageGenerationWorkflow.run, job_id)

    async def _describe(self, job_id: JobId) -> WorkflowExecutionDescription:
        with not_found_is_no_error():
            return await self._handle(job_id).describe()


def _open_view(description: WorkflowExecutionDescription) -> EngineView:
    pending = _pending(description)
    times = [step.last_heartbeat_s or step.last_started_s for step in pending]
    updated_at_s = max((time for time in times if time), default=description.start_time.timestamp())
    if _first_step_waits(pending, description.history_length):
        return EngineView(JobStatus.ACCEPTED, updated_at_s=updated_at_s)
    running = next((step for step in pending if step.with_a_worker), None)
    step = running or next(iter(pending), None)
    return EngineView(
        JobStatus.RUNNING, step=step.step if step else None, updated_at_s=updated_at_s
    )


def _pending(description: WorkflowExecutionDescription) -> list[PendingStep]:
    return [
        PendingStep.of(info.activity_id, info)
        for info in description.raw_description.pending_activities
    ]


def _first_step_waits(pending: list[PendingStep], history_length: int) -> bool:
    match pending:
        case []:
            return history_length <= _EVENTS_BEFORE_FIRST_STEP
        case [step]:
            return step.step == RESERVE_CREDITS and not step.ever_started
        case _:
            return False
