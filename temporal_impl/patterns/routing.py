"""Row 12, GPU / CPU routing: each step names its task queue."""

from temporalio import workflow

from shared.ports.patterns import Claim, Support
from temporal_impl.patterns.job import CPU, GPU, Job
from temporal_impl.patterns.steps import work

CLAIM = Claim(
    Support.NATIVE,
    "A task queue a role: `task_queue` of the activity says who may run it "
    "(docs.temporal.io/task-queue).",
)


@workflow.defn(name="routing")
class Routing:
    @workflow.run
    async def run(self, job: Job) -> None:
        await workflow.execute_activity(work, 0.0, **job.step("prepare", CPU))
        await workflow.execute_activity(work, 0.0, **job.step("render", GPU))
