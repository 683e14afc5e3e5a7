"""Calls on workflows whose id is the job's id: start one once, describe it."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from temporalio.api.enums.v1 import EventType, WorkflowTaskFailedCause
from temporalio.client import Client, WorkflowExecutionDescription, WorkflowHandle
from temporalio.common import WorkflowIDConflictPolicy, WorkflowIDReusePolicy
from temporalio.exceptions import WorkflowAlreadyStartedError

from shared.domain.ids import JobId
from temporal_impl.execution import not_found_is_not_on_server
from temporal_impl.options import CPU_TASK_QUEUE
from temporal_impl.profile import TemporalProfile

_CAUSE = "WORKFLOW_TASK_FAILED_CAUSE_"
_CAUSE_LENGTH = 300
_CANCEL_WAITS = (
    "a cancel has been asked for and cannot be delivered: it waits for workers with code that runs "
    "this workflow"
)


class WorkflowCalls:
    """What every workflow needs of the client; raises the SDK's errors."""

    def __init__(self, client: Client, profile: TemporalProfile) -> None:
        self._client = client
        self._profile = profile

    async def start_once(
        self,
        workflow: str,
        given: object,
        job_id: str,
        memo: Mapping[str, object] | None = None,
    ) -> None:
        """Start a job's workflow, unless it has been started before."""
        values = self._profile.profile.values
        try:
            await self._client.start_workflow(
                workflow,
                given,
                id=job_id,
                task_queue=CPU_TASK_QUEUE,
                id_reuse_policy=WorkflowIDReusePolicy[values["id_reuse_policy"]],
                id_conflict_policy=WorkflowIDConflictPolicy[values["id_conflict_policy"]],
                memo=memo,
                task_timeout=timedelta(seconds=self._profile.workflow_task_timeout_s),
            )
        except WorkflowAlreadyStartedError:
            # It is closed already: the same job, so the submit has had its effect.
            return

    def handle(self, job_id: JobId) -> WorkflowHandle[Any, Any]:
        """Return a handle on the job's workflow; no call is made."""
        return self._client.get_workflow_handle(job_id)

    async def why_stuck(self, description: WorkflowExecutionDescription) -> str:
        """Say why the workflow's own code fails, as after a change without a patch; empty if not.

        The server tries such a workflow task again for ever, and the job looks as if it ran. Only
        its first failure is in the history; `describe` counts the others.
        """
        attempt = description.raw_description.pending_workflow_task.attempt
        if attempt < 2:
            return ""
        failure = None
        async for event in self.handle(JobId(description.id)).fetch_history_events():
            match event.event_type:
                case EventType.EVENT_TYPE_WORKFLOW_TASK_FAILED:
                    failure = event.workflow_task_failed_event_attributes
                case EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED:
                    failure = None
        if failure is None:
            # It timed out with its worker, and another one gets it.
            return ""
        cause = WorkflowTaskFailedCause.Name(failure.cause).removeprefix(_CAUSE).lower()
        said = f"{cause}: {failure.failure.message}"[:_CAUSE_LENGTH]
        fails = f"the workflow's code fails, attempt {attempt} of its task: {said}"
        if description.raw_description.workflow_extended_info.cancel_requested:
            return f"{fails}; {_CANCEL_WAITS}"
        return fails

    async def describe(self, job_id: JobId) -> WorkflowExecutionDescription:
        """Describe the job's workflow; `NotOnServerError` if there is none."""
        with not_found_is_not_on_server():
            return await self.handle(job_id).describe()
