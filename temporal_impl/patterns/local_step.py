"""Row 22, local step: short and cheap ones run where the job's own code runs."""

from temporalio import workflow

from shared.ports.patterns import Claim, Support
from temporal_impl.patterns.job import Job
from temporal_impl.patterns.steps import work

CLAIM = Claim(
    Support.NATIVE,
    "Local activities: no task queue, no round trip each; results are stored with the workflow "
    "task, so a crash repeats those of that task (docs.temporal.io/local-activity).",
)


@workflow.defn(name="local_step")
class LocalStep:
    @workflow.run
    async def run(self, job: Job) -> int:
        for index in range(job.given["n"]):
            await workflow.execute_local_activity(
                work, 0.0, activity_id=f"cheap/{index}", start_to_close_timeout=job.part(0.5)
            )
        return int(job.given["n"])
