"""Start and return at once."""

from collections.abc import Mapping

from celery_impl.patterns.base import PatternApp, PatternTask, pattern_task
from shared.ports.patterns import Claim, Support
from shared.workloads.pattern_steps import nap

CLAIM = Claim(
    Support.NATIVE,
    "`apply_async` publishes a message and returns (celery docs, userguide/calling).",
)


@pattern_task("start.work")
def work(self: PatternTask, job: str, work_s: float) -> None:
    with self.attempt(job, "work"):
        nap(work_s)


def start(app: PatternApp, job: str, given: Mapping[str, object]) -> None:
    app.tasks["start.work"].apply_async((job, given["work_s"]), task_id=job)
