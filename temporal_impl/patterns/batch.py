"""Row 18, child jobs and a batch of 1,000."""

import asyncio

from temporalio import workflow

from shared.ports.patterns import Claim, Support
from temporal_impl.patterns.job import Job
from temporal_impl.patterns.steps import work

CLAIM = Claim(
    Support.NATIVE,
    "Child workflows; a semaphore keeps a window of them open "
    "(docs.temporal.io/design-patterns/sliding-window), well below the 2,000 that may be pending "
    "(docs.temporal.io/workflow-execution/limits).",
)
_AT_ONCE = 50


@workflow.defn(name="batch/child")
class Child:
    @workflow.run
    async def run(self, job: Job, index: int) -> None:
        await workflow.execute_activity(work, job.given["work_s"], **job.step(f"child/{index}"))


@workflow.defn(name="batch")
class Batch:
    @workflow.run
    async def run(self, job: Job) -> int:
        window = asyncio.Semaphore(_AT_ONCE)

        async def child(index: int) -> None:
            async with window:
                await workflow.execute_child_workflow(
                    Child.run,
                    args=[job, index],
                    id=f"{workflow.info().workflow_id}/child/{index}",
                    task_timeout=job.part(0.5),
                )

        await asyncio.gather(*map(child, range(job.given["n"])))
        return int(job.given["n"])
