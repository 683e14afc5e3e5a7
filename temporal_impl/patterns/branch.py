"""Row 5, conditional branch: which step runs depends on an earlier one's result."""

from temporalio import activity, workflow

from shared.ports.patterns import Claim, Support
from temporal_impl.patterns.job import Job
from temporal_impl.patterns.steps import work

CLAIM = Claim(
    Support.NATIVE,
    "An `if` in the workflow: its condition is replayed from the history "
    "(docs.temporal.io/workflow-definition#deterministic-constraints).",
)


@activity.defn
def look(number: int) -> str:
    return "odd" if number % 2 else "even"


@workflow.defn(name="branch")
class Branch:
    @workflow.run
    async def run(self, job: Job) -> str:
        found = await workflow.execute_activity(look, job.given["number"], **job.step("look"))
        if found == "even":
            await workflow.execute_activity(work, 0.0, **job.step("even"))
        else:
            await workflow.execute_activity(work, 0.0, **job.step("odd"))
        return found
