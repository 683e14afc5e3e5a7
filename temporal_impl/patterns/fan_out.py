"""Row 4, fan-out / fan-in: parts in parallel, then one step that joins their results."""

import asyncio

from temporalio import activity, workflow

from shared.ports.patterns import Claim, Support
from shared.workloads.pattern_steps import nap
from temporal_impl.patterns.job import Job

CLAIM = Claim(
    Support.NATIVE,
    "`asyncio.gather` over `workflow.execute_activity`; the join is the next line, so there is "
    "nothing that could be lost between the parts and it "
    "(docs.temporal.io/design-patterns/parallel-execution).",
)


@activity.defn
def part(index: int, seconds: float) -> int:
    nap(seconds)
    return index


@activity.defn
def join(parts: list[int]) -> int:
    return sum(parts)


@workflow.defn(name="fan_out")
class FanOut:
    @workflow.run
    async def run(self, job: Job) -> int:
        parts = await asyncio.gather(
            *(
                workflow.execute_activity(
                    part, args=[index, job.given["work_s"]], **job.step(f"part/{index}")
                )
                for index in range(job.given["n"])
            )
        )
        return await workflow.execute_activity(join, list(parts), **job.step("join"))
