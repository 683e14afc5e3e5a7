"""Row 24, isolation of environments: a namespace each."""

from temporalio import workflow

from shared.ports.patterns import Claim, Support
from temporal_impl.patterns.job import Job
from temporal_impl.patterns.steps import work

CLAIM = Claim(
    Support.NATIVE,
    "A client and a worker belong to one namespace, which has its own ids, queues, schedules and "
    "retention; its name is all that differs (docs.temporal.io/namespaces).",
)


@workflow.defn(name="isolation")
class Isolated:
    @workflow.run
    async def run(self, job: Job) -> str:
        await workflow.execute_activity(work, 0.0, **job.step("work"))
        return workflow.info().namespace
