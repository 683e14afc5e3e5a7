"""Row 16, priority, and fairness between tenants."""

from collections.abc import Mapping

from temporalio import workflow
from temporalio.common import Priority

from shared.ports.patterns import Claim, Support
from temporal_impl.patterns.job import Job
from temporal_impl.patterns.steps import work

CLAIM = Claim(
    Support.NATIVE,
    "`Priority(priority_key, fairness_key)` at the start, inherited by the steps "
    "(docs.temporal.io/develop/task-queue-priority-fairness). Priority is on by default; fairness "
    "takes `matching.enableFairness` on a server of one's own, and both hold within a partition "
    "of the queue, so this server has one.",
)


@workflow.defn(name="priority")
class Prioritised:
    @workflow.run
    async def run(self, job: Job) -> None:
        await workflow.execute_activity(work, job.given["work_s"], **job.step("work"))


def priority_of(given: Mapping[str, object]) -> Priority:
    """Return what the server orders a job's tasks by; 1 comes first, 3 is the default."""
    return Priority(priority_key=1 if given["urgent"] else 3, fairness_key=str(given["tenant"]))
