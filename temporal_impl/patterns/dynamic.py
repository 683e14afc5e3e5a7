"""Row 23, dynamic handler: a job type unknown at deploy time."""

from collections.abc import Mapping, Sequence

from temporalio import activity, workflow
from temporalio.common import RawValue

from shared.ports.patterns import Claim, Support
from temporal_impl.patterns.job import Job

CLAIM = Claim(
    Support.NATIVE,
    "A dynamic workflow and a dynamic activity take every type that no other one is registered "
    "for; Temporal's documentation advises them as a fallback only "
    "(docs.temporal.io/dynamic-handler).",
)


@activity.defn(dynamic=True)
def any_step(_: Sequence[RawValue]) -> str:
    return activity.info().activity_type


@workflow.defn(dynamic=True)
class AnyJob:
    @workflow.run
    async def run(self, given: Sequence[RawValue]) -> str:
        job: Job = workflow.payload_converter().from_payload(given[0].payload, Job)
        job_type = workflow.info().workflow_type
        return str(await workflow.execute_activity(job_type, **job.step(job_type)))


def workflow_type(given: Mapping[str, object]) -> str:
    """Return the type to start: whatever the caller asks for."""
    return str(given["type"])
