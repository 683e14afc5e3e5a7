"""Short, cheap steps in the process that runs the job, with no way through a queue."""

from collections.abc import Mapping

from celery_impl.patterns.base import PatternApp, PatternTask, pattern_task
from shared.ports.patterns import Claim, Support

CLAIM = Claim(
    Support.NATIVE,
    "`apply` runs a task in the calling process, with its retries (celery/app/task.py, "
    "Task.apply).",
)


@pattern_task("local_step.run")
def run(self: PatternTask, job: str, n: int) -> int:
    for index in range(n):
        self.app.tasks["local_step.cheap"].apply((job, index), throw=True)
    return n


@pattern_task("local_step.cheap")
def cheap(self: PatternTask, job: str, index: int) -> None:
    with self.attempt(job, f"cheap/{index}"):
        pass


def start(app: PatternApp, job: str, given: Mapping[str, object]) -> None:
    app.tasks["local_step.run"].apply_async((job, given["n"]), task_id=job)
