"""Row 3, chain: each step gets the result of the one before."""

from temporalio import activity, workflow

from shared.ports.patterns import Claim, Support
from temporal_impl.patterns.job import Job

CLAIM = Claim(
    Support.NATIVE,
    "A chain is one `await` after the other in the workflow; each result is in the history before "
    "the next step is scheduled (docs.temporal.io/develop/python/workflows/basics).",
)


@activity.defn
def add_one(value: int) -> int:
    return value + 1


@workflow.defn(name="chain")
class Chain:
    @workflow.run
    async def run(self, job: Job) -> int:
        value = 0
        for step in ("one", "two", "three"):
            value = await workflow.execute_activity(add_one, value, **job.step(step))
        return value
