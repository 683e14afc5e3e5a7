"""A job as a workflow, of any workload; none of these calls needs a worker."""

from dataclasses import replace

from temporalio.client import Client, WorkflowExecutionStatus, WorkflowFailureError

from shared.codec import from_json
from shared.domain.ids import JobId
from shared.domain.jobs import EngineTrace, EngineView
from shared.domain.status import JobStatus
from shared.settings import Settings
from temporal_impl.execution import failed_view, not_found_is_not_on_server
from temporal_impl.profile import TemporalProfile
from temporal_impl.trace import held, waits
from temporal_impl.workflow_calls import WorkflowCalls
from temporal_impl.workload import pending_steps
from temporal_impl.workloads import BY_WORKFLOW, WORKLOADS


class WorkflowJobs:
    """A `JobExecution`; workloads are told apart by the workflow's type."""

    def __init__(self, client: Client, profile: TemporalProfile, settings: Settings) -> None:
        self._calls = WorkflowCalls(client, profile)
        self._options = profile.all_step_options()
        self._workflow_task_s = profile.workflow_task_s
        self._settings = settings

    async def submit(self, job_id: JobId, workload: str, request: str) -> None:
        """Start a job once."""
        runs = WORKLOADS[workload]
        asked = from_json(runs.workload.request, request)
        given, memo = runs.given(job_id, asked, self._options, self._settings)
        await self._calls.start_once(runs.workflow.__name__, given, job_id, memo)

    async def view(self, job_id: JobId) -> EngineView:
        description = await self._calls.describe(job_id)
        closed_at_s = description.close_time.timestamp() if description.close_time else None
        runs = BY_WORKFLOW[description.workflow_type]
        match description.status:
            case WorkflowExecutionStatus.RUNNING:
                view = await runs.open_view(description, pending_steps(description))
                stuck = await self._calls.why_stuck(description)
                return replace(view, error=stuck, stuck=True) if stuck else view
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
        return runs.ended_view(result, closed_at_s)

    async def cancel(self, job_id: JobId) -> None:
        with not_found_is_not_on_server():
            await self._calls.handle(job_id).cancel()

    async def trace(self, job_id: JobId) -> EngineTrace:
        description = await self._calls.describe(job_id)
        if description.status is not WorkflowExecutionStatus.RUNNING:
            status = description.status.name.lower() if description.status else "closed"
            return EngineTrace(held=False, where=f"workflow closed: {status}", closed=True)
        if stuck := await self._calls.why_stuck(description):
            return EngineTrace(held=True, where=stuck, stuck=True)
        pending = pending_steps(description)
        idle = not pending and not description.raw_description.HasField("pending_workflow_task")
        if idle:
            what = await BY_WORKFLOW[description.workflow_type].waits_for(description)
            if what is not None:
                return waits(what)
        if not pending:
            return EngineTrace(True, "between two steps: a workflow task", self._workflow_task_s)
        return held(pending)
