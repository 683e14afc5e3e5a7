"""Row 10, progress and status without a worker: the server keeps the last heartbeat."""

from temporalio import activity, workflow
from temporalio.client import WorkflowExecutionDescription

from shared.ports.patterns import Claim, Support
from shared.workloads.pattern_steps import count
from temporal_impl.patterns.job import Job
from temporal_impl.patterns.steps import this_attempt

CLAIM = Claim(
    Support.NATIVE,
    "`describe` shows each pending activity with its last heartbeat's details, and needs no "
    "worker (temporal/api/workflow/v1/message.proto, PendingActivityInfo); a query would. The SDK "
    "throttles heartbeats: what is shown may be a throttle interval old.",
)


@activity.defn
def long_with_progress(total: int, every_s: float) -> int:
    return count(this_attempt(), total, every_s, tell=lambda done: activity.heartbeat(done, total))


@workflow.defn(name="progress")
class Progress:
    @workflow.run
    async def run(self, job: Job) -> int:
        return await workflow.execute_activity(
            long_with_progress,
            args=[job.given["total"], job.given["every_s"]],
            **job.long_step("long"),
        )


async def progress_of(description: WorkflowExecutionDescription) -> tuple[int, int]:
    """Return done and total of the step that runs; zeros if none has told."""
    for step in description.raw_description.pending_activities:
        if step.HasField("heartbeat_details"):
            done, total = await description.data_converter.decode(step.heartbeat_details.payloads)
            return done, total
    return 0, 0
