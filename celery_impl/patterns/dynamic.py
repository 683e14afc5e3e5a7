"""A job type that no worker was deployed with goes to a generic handler."""

from collections.abc import Mapping

from celery_impl.patterns.base import PatternApp, PatternTask, pattern_task
from shared.ports.patterns import Claim, Support

CLAIM = Claim(
    Support.BUILT,
    "A worker fails a message whose task it has not registered "
    "(celery/worker/consumer/consumer.py, on_unknown_task): the type is an argument of a task "
    "that all workers know.",
)


@pattern_task("dynamic.handle")
def handle(self: PatternTask, job: str, kind: str) -> str:
    with self.attempt(job, kind):
        return kind


def start(app: PatternApp, job: str, given: Mapping[str, object]) -> None:
    app.tasks["dynamic.handle"].apply_async((job, given["type"]), task_id=job)
