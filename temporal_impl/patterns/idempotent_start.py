"""Row 2, idempotent start: `start_once` is how jobs of every row are started."""

from contextlib import suppress

from temporalio import workflow
from temporalio.client import Client
from temporalio.common import Priority, WorkflowIDConflictPolicy, WorkflowIDReusePolicy
from temporalio.exceptions import WorkflowAlreadyStartedError

from shared.ports.patterns import Claim, Support
from temporal_impl.patterns.job import CPU, Job
from temporal_impl.patterns.steps import work

CLAIM = Claim(
    Support.NATIVE,
    "The caller's name is the workflow id, which the server keeps unique: USE_EXISTING while the "
    "job is open, REJECT_DUPLICATE once it is over, for the namespace's retention "
    "(docs.temporal.io/workflow-execution/workflowid-runid).",
)


@workflow.defn(name="idempotent_start")
class IdempotentStart:
    @workflow.run
    async def run(self, job: Job) -> None:
        await workflow.execute_activity(work, job.given["work_s"], **job.step("work"))


async def start_once(
    client: Client, workflow_type: str, name: str, job: Job, priority: Priority = Priority.default
) -> None:
    """Start a job, unless one of this name was ever started."""
    with suppress(WorkflowAlreadyStartedError):
        await client.start_workflow(
            workflow_type,
            job,
            id=name,
            task_queue=CPU,
            id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
            id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
            task_timeout=job.part(0.5),
            priority=priority,
        )
