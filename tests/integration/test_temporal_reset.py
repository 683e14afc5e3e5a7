"""A workflow that is reset repeats its steps: which key of an effect is still the same then.

The server gives the repeat a new run id, so a key that contains one names another effect.
"""

import asyncio
import uuid
from datetime import timedelta

import httpx
from temporalio import activity, workflow
from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.enums.v1 import EventType
from temporalio.api.workflowservice.v1 import ResetWorkflowExecutionRequest
from temporalio.client import Client, WorkflowHandle
from temporalio.common import RetryPolicy
from temporalio.worker import Worker

from shared.domain.status import JobStatus, RecordKind
from tests.integration.temporal_cell import WAIT_S, MakeCell, started

pytest_plugins = ("tests.integration.temporal_fixtures",)

_QUEUE = "payments"
_BY_RUN, _BY_STEP = "keyed_by_run_and_activity", "keyed_by_job_and_step"


@activity.defn
async def pay(sink_url: str) -> None:
    """Send one effect under each kind of key; the first attempt dies after it has."""
    info = activity.info()
    keys = {
        _BY_RUN: f"{info.workflow_run_id}/{info.activity_id}",
        _BY_STEP: f"{info.workflow_id}/pay",
    }
    async with httpx.AsyncClient(base_url=sink_url) as client:
        for effect, key in keys.items():
            answer = await client.post(f"/{effect}", json={}, headers={"Idempotency-Key": key})
            answer.raise_for_status()
    if info.attempt == 1:
        raise RuntimeError("the worker dies before the server hears of it")


@workflow.defn(sandboxed=False)
class Payment:
    """One step with an effect."""

    @workflow.run
    async def run(self, sink_url: str) -> None:
        await workflow.execute_activity(
            pay,
            sink_url,
            start_to_close_timeout=timedelta(seconds=WAIT_S),
            retry_policy=RetryPolicy(initial_interval=timedelta(milliseconds=50)),
        )


async def _reset_to_the_start(client: Client, job_id: str) -> WorkflowHandle[object, object]:
    """Let a workflow run again from its first workflow task on; return the new run."""
    done = client.get_workflow_handle(job_id)
    description = await done.describe()
    events = [event async for event in done.fetch_history_events()]
    first = next(
        event.event_id
        for event in events
        if event.event_type == EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED
    )
    answer = await client.workflow_service.reset_workflow_execution(
        ResetWorkflowExecutionRequest(
            namespace=client.namespace,
            workflow_execution=WorkflowExecution(workflow_id=job_id, run_id=description.run_id),
            reason="an operator repeats it",
            workflow_task_finish_event_id=first,
            request_id=str(uuid.uuid4()),
        )
    )
    assert answer.run_id != description.run_id
    return client.get_workflow_handle(job_id, run_id=answer.run_id)


async def test_a_key_of_run_id_and_activity_id_outlives_a_retry_but_no_reset(
    new_cell: MakeCell,
) -> None:
    cell = new_cell()
    client, job_id = await cell.client(), str(uuid.uuid4())
    applied = cell.sink.applied
    async with (
        asyncio.timeout(WAIT_S),
        Worker(client, task_queue=_QUEUE, workflows=[Payment], activities=[pay]),
    ):
        await client.execute_workflow(Payment.run, cell.sink.url, id=job_id, task_queue=_QUEUE)
        assert [effect for _, effect in applied] == [_BY_RUN, _BY_STEP], "sent twice, applied once"
        await (await _reset_to_the_start(client, job_id)).result()
    assert [effect for _, effect in applied] == [_BY_RUN, _BY_STEP, _BY_RUN]


async def test_a_job_that_is_reset_after_its_end_applies_no_effect_again(
    new_cell: MakeCell,
) -> None:
    cell = await started(new_cell, "cpu", "gpu")
    job_id = await cell.submit(steps=3)
    before = await cell.finished(job_id)
    effects = cell.sink.of(job_id)
    await _reset_to_the_start(await cell.client(), job_id)
    after = await cell.finished(job_id)
    assert (after.status, after.result) == (JobStatus.SUCCEEDED, before.result)
    assert cell.sink.of(job_id) == effects == ["reserve_credits", "capture_credits", "notify_user"]
    finished = [record.step for record in cell.records(job_id, kind=RecordKind.FINISHED)]
    replayed = [record.step for record in cell.records(job_id, kind=RecordKind.REPLAYED)]
    assert replayed == finished, "every step was run again, and returned what is stored"
