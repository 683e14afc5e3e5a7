"""Progress and status that anybody can read while every worker is down."""

from collections.abc import Mapping

from celery_impl.patterns.base import PatternApp, PatternTask, pattern_task
from shared.ports.patterns import Claim, Support
from shared.workloads.pattern_steps import count

CLAIM = Claim(
    Support.NATIVE,
    "`update_state` with a state of one's own, kept by the result backend (celery docs, "
    "userguide/tasks, Custom states).",
)

PROGRESS = "PROGRESS"


@pattern_task("progress.long")
def long(self: PatternTask, job: str, total: int, every_s: float) -> int:
    def tell(done: int) -> None:
        self.update_state(state=PROGRESS, meta={"done": done, "total": total})

    with self.attempt(job, "long") as this:
        return count(this, total, every_s, tell=tell)


def start(app: PatternApp, job: str, given: Mapping[str, object]) -> None:
    app.tasks["progress.long"].apply_async((job, given["total"], given["every_s"]), task_id=job)
