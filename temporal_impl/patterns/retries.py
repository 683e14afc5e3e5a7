"""Row 7, retries with backoff, and errors that are never retried."""

from temporalio import activity, workflow
from temporalio.common import RetryPolicy

from shared.domain.errors import StepRefused
from shared.ports.patterns import Claim, Support
from shared.workloads import pattern_steps
from temporal_impl.patterns.job import Job
from temporal_impl.patterns.steps import this_attempt

CLAIM = Claim(
    Support.NATIVE,
    "A `RetryPolicy` on the activity: attempts, backoff and the types that end it are data, and "
    "the server counts (docs.temporal.io/encyclopedia/retry-policies).",
)

# The default backoff: 1 s, then twice the one before. The server waits no shorter than about 1 s.
_POLICY = RetryPolicy(maximum_attempts=3, non_retryable_error_types=[StepRefused.__name__])


@activity.defn
def flaky(failures: int, refuse: bool) -> int:
    return pattern_steps.flaky(this_attempt(), failures, refuse=refuse)


@workflow.defn(name="retries")
class Retries:
    @workflow.run
    async def run(self, job: Job) -> int:
        options = job.step("flaky")
        options["retry_policy"] = _POLICY
        return await workflow.execute_activity(
            flaky, args=[job.given["failures"], job.given["refuse"]], **options
        )
