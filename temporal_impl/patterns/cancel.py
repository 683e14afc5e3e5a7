"""Row 9, cancel a running GPU step."""

from temporalio import activity, workflow
from temporalio.workflow import ActivityCancellationType

from shared.ports.patterns import Claim, Support
from shared.workloads.pattern_steps import count
from temporal_impl.patterns.job import Job
from temporal_impl.patterns.steps import this_attempt

CLAIM = Claim(
    Support.NATIVE,
    "The server's answer to a heartbeat carries the cancel; the step looks at it between two "
    "units, since a thread inside CUDA cannot be interrupted "
    "(docs.temporal.io/develop/python/workflows/cancellation).",
)


@activity.defn(no_thread_cancel_exception=True)
def long_until_cancelled(total: int, every_s: float) -> int:
    return count(
        this_attempt(),
        total,
        every_s,
        tell=lambda done: activity.heartbeat(done, total),
        stop=activity.is_cancelled,
    )


@workflow.defn(name="cancel")
class Cancel:
    @workflow.run
    async def run(self, job: Job) -> int:
        options = job.long_step("long")
        options["cancellation_type"] = ActivityCancellationType.WAIT_CANCELLATION_COMPLETED
        return await workflow.execute_activity(
            long_until_cancelled, args=[job.given["total"], job.given["every_s"]], **options
        )
