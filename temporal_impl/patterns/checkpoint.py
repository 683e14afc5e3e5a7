"""Row 11, resume from a checkpoint: the last heartbeat's details come with the next attempt."""

from temporalio import activity, workflow

from shared.ports.patterns import Claim, Support
from shared.workloads.pattern_steps import count
from temporal_impl.patterns.job import Job
from temporal_impl.patterns.steps import this_attempt

CLAIM = Claim(
    Support.NATIVE,
    "`activity.info().heartbeat_details` holds what the attempt before reported last "
    "(docs.temporal.io/design-patterns/resumable-activity). Large checkpoints belong in a store, "
    "and the heartbeat carries their address.",
)


@activity.defn
def long_with_checkpoint(total: int, every_s: float) -> int:
    begin = next(iter(activity.info().heartbeat_details), 0)
    return count(
        this_attempt(),
        total,
        every_s,
        begin=begin,
        tell=lambda done: activity.heartbeat(done, total),
    )


@workflow.defn(name="checkpoint")
class Checkpoint:
    @workflow.run
    async def run(self, job: Job) -> int:
        return await workflow.execute_activity(
            long_with_checkpoint,
            args=[job.given["total"], job.given["every_s"]],
            **job.long_step("long"),
        )
