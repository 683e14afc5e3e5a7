"""Row 1, start and return at once."""

from temporalio import workflow

from shared.ports.patterns import Claim, Support
from temporal_impl.patterns.job import Job
from temporal_impl.patterns.steps import work

CLAIM = Claim(
    Support.NATIVE,
    "`Client.start_workflow` returns once the server has stored the job, whether or not a worker "
    "is there (docs.temporal.io/develop/python/client/temporal-client#start-workflow-execution).",
)


@workflow.defn(name="start")
class Start:
    @workflow.run
    async def run(self, job: Job) -> None:
        await workflow.execute_activity(work, job.given["work_s"], **job.step("work"))
