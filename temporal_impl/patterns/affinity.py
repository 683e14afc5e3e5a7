"""Row 13, affinity: the second step goes to a queue that only the first one's worker polls."""

from temporalio import activity, workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import ActivityError, TimeoutError

from shared.ports.patterns import Claim, Support
from temporal_impl.patterns.job import Job
from temporal_impl.patterns.steps import work

CLAIM = Claim(
    Support.BUILT,
    "The Python SDK has no sessions: a task queue of each worker's own "
    "(docs.temporal.io/design-patterns/worker-specific-taskqueue), and a loop that gives up a "
    "worker that does not take or finish its step in time.",
)


class Fetch:
    """The step that binds a job to the worker that happens to take it."""

    def __init__(self, own_queue: str) -> None:
        self._own_queue = own_queue

    @activity.defn
    def fetch(self) -> str:
        return self._own_queue


@workflow.defn(name="affinity")
class Affinity:
    @workflow.run
    async def run(self, job: Job) -> None:
        while True:
            own_queue = await workflow.execute_activity_method(Fetch.fetch, **job.step("fetch"))
            options = job.step("use", own_queue)
            options["schedule_to_start_timeout"] = job.part(0.75)
            options["retry_policy"] = RetryPolicy(maximum_attempts=1)
            try:
                return await workflow.execute_activity(work, job.given["use_s"], **options)
            except ActivityError as error:
                if not isinstance(error.cause, TimeoutError):
                    raise
