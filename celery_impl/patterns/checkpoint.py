"""Resume a step from its checkpoint after its worker was killed."""

from collections.abc import Mapping

from celery_impl.patterns.base import PatternApp, PatternTask, pattern_task
from celery_impl.patterns.progress import PROGRESS
from shared.ports.patterns import Claim, Support
from shared.workloads.pattern_steps import count

CLAIM = Claim(
    Support.BUILT,
    "The message comes back, on Redis after the visibility timeout (celery docs, userguide/tasks, "
    "acks_late), and knows nothing of its first delivery: the task keeps its checkpoint as its "
    "own state in the result backend, and reads it there.",
)


@pattern_task("checkpoint.long")
def long(self: PatternTask, job: str, total: int, every_s: float) -> int:
    def keep(done: int) -> None:
        self.update_state(state=PROGRESS, meta={"done": done, "total": total})

    before = self.AsyncResult(job)
    begin = before.info["done"] if before.state == PROGRESS else 0
    with self.attempt(job, "long") as this:
        return count(this, total, every_s, begin=begin, tell=keep)


def start(app: PatternApp, job: str, given: Mapping[str, object]) -> None:
    app.tasks["checkpoint.long"].apply_async((job, given["total"], given["every_s"]), task_id=job)
