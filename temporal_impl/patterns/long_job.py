"""Row 19, very long job: now and then it goes on as a new run with an empty history."""

from dataclasses import replace

from temporalio import activity, workflow

from shared.domain.status import RecordKind
from shared.ports.patterns import Claim, Support
from temporal_impl.patterns.job import Job
from temporal_impl.patterns.steps import this_attempt

CLAIM = Claim(
    Support.NATIVE,
    "Continue-As-New: the job keeps its id and its state, and begins a new history "
    "(docs.temporal.io/workflow-execution/continue-as-new). Runs that are over stay until the "
    "namespace's retention ends; no worker reads them again.",
)
_ITERATIONS_A_STEP = 20
_ITERATIONS_A_RUN = 200


@activity.defn
def iterate(begin: int, end: int, total: int) -> None:
    for done in range(begin + 1, end + 1):
        this_attempt().record(RecordKind.PROGRESS, done=done, total=total)


@workflow.defn(name="long_job")
class LongJob:
    @workflow.run
    async def run(self, job: Job) -> int:
        total = int(job.given["iterations"])
        done = int(job.given.get("done", 0))
        run_ends = min(done + _ITERATIONS_A_RUN, total)
        while done < run_ends:
            end = min(done + _ITERATIONS_A_STEP, run_ends)
            await workflow.execute_activity(
                iterate, args=[done, end, total], **job.step("iteration")
            )
            done = end
        if done < total:
            workflow.continue_as_new(replace(job, given={**job.given, "done": done}))
        return total
