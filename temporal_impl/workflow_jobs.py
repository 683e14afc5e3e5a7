"""A job as a workflow, of either workload; none of these calls needs a worker."""

from temporalio.client import (
    Client,
    WorkflowExecutionDescription,
    WorkflowExecutionStatus,
    WorkflowFailureError,
)

from shared.codec import from_dict, to_dict
from shared.domain.ids import JobId
from shared.domain.jobs import EngineTrace, EngineView
from shared.domain.status import JobStatus
from shared.policy import RESERVE_CREDITS
from temporal_impl.execution import failed_view, not_found_is_not_on_server
from temporal_impl.face_workflows import FaceSimilarityWorkflow
from temporal_impl.image_workflows import ImageGenerationWorkflow
from temporal_impl.messages import ImageOrder, ImageWorkflowInput, SessionOutcome
from temporal_impl.profile import TemporalProfile
from temporal_impl.session_memo import SessionMemo
from temporal_impl.trace import PendingStep, held, waits
from temporal_impl.workflow_calls import WorkflowCalls

# WorkflowExecutionStarted, WorkflowTaskScheduled, WorkflowTaskStarted: no step scheduled yet.
_EVENTS_BEFORE_FIRST_STEP = 3


class WorkflowJobs:
    """An `ImageJobs`, and the `JobExecution` of face sessions too, told apart by workflow type."""

    def __init__(self, client: Client, profile: TemporalProfile) -> None:
        self._calls = WorkflowCalls(client, profile)
        self._options = profile.all_step_options()

    async def submit(self, order: ImageOrder) -> None:
        given = ImageWorkflowInput(order, self._options)
        await self._calls.start_once(ImageGenerationWorkflow.run, given, order.job_id)

    async def view(self, job_id: JobId) -> EngineView:
        description = await self._calls.describe(job_id)
        closed_at_s = description.close_time.timestamp() if description.close_time else None
        match description.status:
            case WorkflowExecutionStatus.RUNNING:
                if is_session(description):
                    return await _open_session_view(description)
                return _open_image_view(description)
            case WorkflowExecutionStatus.CANCELED:
                return EngineView(JobStatus.CANCELLED, updated_at_s=closed_at_s)
            case WorkflowExecutionStatus.TIMED_OUT:
                return EngineView(
                    JobStatus.TIMED_OUT, error="the workflow timed out", updated_at_s=closed_at_s
                )
        # Completed, failed or terminated: the outcome is the last event of the history.
        try:
            result = await self._calls.handle(job_id).result(follow_runs=False)
        except WorkflowFailureError as error:
            return failed_view(error, closed_at_s)
        if is_session(description):
            outcome = from_dict(SessionOutcome, result)
            return EngineView(outcome.status, result=outcome.result, updated_at_s=closed_at_s)
        return EngineView(JobStatus.SUCCEEDED, result=result, updated_at_s=closed_at_s)

    async def cancel(self, job_id: JobId) -> None:
        with not_found_is_not_on_server():
            await self._calls.handle(job_id).cancel()

    async def trace(self, job_id: JobId) -> EngineTrace:
        description = await self._calls.describe(job_id)
        if description.status is not WorkflowExecutionStatus.RUNNING:
            status = description.status.name.lower() if description.status else "closed"
            return EngineTrace(held=False, where=f"workflow closed: {status}")
        pending = _pending(description)
        idle = not pending and not description.raw_description.HasField("pending_workflow_task")
        if idle and is_session(description):
            what = SessionMemo.of(await description.memo()).waits_for
            if what is not None:
                return waits(what)
        return held(pending)


def is_session(description: WorkflowExecutionDescription) -> bool:
    """Whether the workflow is a face session."""
    return description.workflow_type == FaceSimilarityWorkflow.__name__


def _open_image_view(description: WorkflowExecutionDescription) -> EngineView:
    pending = _pending(description)
    updated_at_s = _last_heard_of_s(pending, description.start_time.timestamp())
    if _first_step_waits(pending, description.history_length):
        return EngineView(JobStatus.ACCEPTED, updated_at_s=updated_at_s)
    return EngineView(JobStatus.RUNNING, step=_current(pending), updated_at_s=updated_at_s)


async def _open_session_view(description: WorkflowExecutionDescription) -> EngineView:
    pending = _pending(description)
    memo = SessionMemo.of(await description.memo())
    since_s = memo.changed_at_s or description.start_time.timestamp()
    in_review = memo.phase is JobStatus.REVIEW
    return EngineView(
        memo.phase or JobStatus.ACCEPTED,
        step=_current(pending),
        # The session has no result yet; this is what its reviewer is to judge.
        result=to_dict(memo.compared) if in_review and memo.compared else None,
        updated_at_s=_last_heard_of_s(pending, since_s),
    )


def _pending(description: WorkflowExecutionDescription) -> list[PendingStep]:
    return [
        PendingStep.of(info.activity_id, info)
        for info in description.raw_description.pending_activities
    ]


def _current(pending: list[PendingStep]) -> str | None:
    running = next((step for step in pending if step.with_a_worker), None)
    step = running or next(iter(pending), None)
    return step.step if step else None


def _last_heard_of_s(pending: list[PendingStep], since_s: float) -> float:
    times = [step.last_heartbeat_s or step.last_started_s for step in pending]
    return max((time for time in times if time), default=since_s)


def _first_step_waits(pending: list[PendingStep], history_length: int) -> bool:
    match pending:
        case []:
            return history_length <= _EVENTS_BEFORE_FIRST_STEP
        case [step]:
            return step.step == RESERVE_CREDITS and not step.ever_started
        case _:
            return False
