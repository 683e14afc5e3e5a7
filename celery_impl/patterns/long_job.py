"""A very long job: slice after slice, each handing on to the next."""

from collections.abc import Mapping

from celery.exceptions import Ignore

from celery_impl.patterns.base import PatternApp, PatternTask, pattern_task
from shared.domain.status import RecordKind
from shared.ports.patterns import Claim, Support

CLAIM = Claim(
    Support.BUILT,
    "A task must end before the visibility timeout or it runs twice (celery docs, "
    "getting-started/backends-and-brokers/redis): a long job is a task that does a slice and "
    "publishes the next under its own id.",
)

_SLICE = 50


@pattern_task("long_job.slice")
def run_slice(self: PatternTask, job: str, iterations: int, done: int) -> int:
    end = min(done + _SLICE, iterations)
    with self.attempt(job, "iteration") as this:
        for number in range(done + 1, end + 1):
            this.record(RecordKind.PROGRESS, done=number, total=iterations)
    if end == iterations:
        return end
    # A worker that dies between publishing and acknowledging has its slice handed out again: it
    # must not go on a second time.
    handed_on = self.app.key("handed-on", job)
    if int(self.app.redis.get(handed_on) or 0) < end:
        self.apply_async((job, iterations, end), task_id=job)
        self.app.redis.set(handed_on, end)
    raise Ignore


def start(app: PatternApp, job: str, given: Mapping[str, object]) -> None:
    app.tasks["long_job.slice"].apply_async((job, given["iterations"], 0), task_id=job)
