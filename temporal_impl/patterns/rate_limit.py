"""Row 17, rate limit: of a task queue, so of all its workers together."""

from temporalio import workflow
from temporalio.api.enums.v1 import TaskQueueType
from temporalio.api.taskqueue.v1 import RateLimit
from temporalio.api.workflowservice.v1 import UpdateTaskQueueConfigRequest
from temporalio.client import Client

from shared.ports.patterns import Claim, Support
from temporal_impl.patterns.job import Job
from temporal_impl.patterns.steps import work

CLAIM = Claim(
    Support.NATIVE,
    "The server limits a task queue, by the worker's `max_task_queue_activities_per_second` or, "
    "as here, by `UpdateTaskQueueConfig` (`temporal task-queue config set`). A queue at rest "
    "saves up a second's worth (server service/matching/ratelimit_manager.go), and each "
    "partition of a queue gets a share of the limit, so this server has one partition.",
)
LIMITED = "patterns-limited"
_MARGIN = 0.95
"""The server counts what it hands out; steps begin a little later, some sooner than others."""


@workflow.defn(name="rate_limit")
class RateLimited:
    @workflow.run
    async def run(self, job: Job) -> None:
        await workflow.execute_activity(work, 0.0, **job.step("limited", LIMITED))


async def limit(client: Client, per_s: float) -> None:
    """Limit how many steps a second the queue hands out, over all workers."""
    await client.workflow_service.update_task_queue_config(
        UpdateTaskQueueConfigRequest(
            namespace=client.namespace,
            identity=client.identity,
            task_queue=LIMITED,
            task_queue_type=TaskQueueType.TASK_QUEUE_TYPE_ACTIVITY,
            update_queue_rate_limit=UpdateTaskQueueConfigRequest.RateLimitUpdate(
                rate_limit=RateLimit(requests_per_second=_MARGIN * per_s)
            ),
        )
    )
