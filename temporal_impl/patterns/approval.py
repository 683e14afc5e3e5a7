"""Row 15, human approval: the step goes away, and whoever has its token completes it."""

from datetime import timedelta
from typing import Any

from temporalio import activity, workflow
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from shared.domain.errors import BadRequest
from shared.ports.patterns import Claim, Support
from shared.workloads.pattern_steps import hand_out
from temporal_impl.patterns.job import Job
from temporal_impl.patterns.steps import this_attempt

CLAIM = Claim(
    Support.NATIVE,
    "Asynchronous activity completion: the activity ends with `raise_complete_async`, and any "
    "client completes it later (docs.temporal.io/develop/python/activities/"
    "asynchronous-activity).",
)
_STEP = "ask"


@activity.defn
def ask() -> Any:
    info = activity.info()
    hand_out(this_attempt(), f"{info.workflow_id}/{info.workflow_run_id}")
    activity.raise_complete_async()


@workflow.defn(name="approval")
class Approval:
    @workflow.run
    async def run(self, job: Job) -> Any:
        options = job.step(_STEP)
        options["start_to_close_timeout"] = timedelta(days=7)
        return await workflow.execute_activity(ask, **options)


async def complete(client: Client, token: str, value: object) -> None:
    """Complete the step of a token; a second time changes nothing. Raises `BadRequest`."""
    workflow_id, _, run_id = token.rpartition("/")
    try:
        step = client.get_async_activity_handle(
            workflow_id=workflow_id, run_id=run_id, activity_id=_STEP
        )
        await step.complete(value)
    except RPCError as error:
        if error.status not in (RPCStatusCode.NOT_FOUND, RPCStatusCode.INVALID_ARGUMENT):
            raise
        await _must_exist(client, workflow_id, run_id)


async def _must_exist(client: Client, workflow_id: str, run_id: str) -> None:
    try:
        await client.get_workflow_handle(workflow_id, run_id=run_id).describe()
    except RPCError as error:
        raise BadRequest("no step has this token; use the one that it handed out") from error
