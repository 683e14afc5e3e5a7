"""A parent with a thousand child jobs."""

from collections.abc import Mapping

from celery import chord

from celery_impl.patterns.base import PatternApp, PatternTask, pattern_task
from shared.ports.patterns import Claim, Support
from shared.workloads.pattern_steps import nap

CLAIM = Claim(
    Support.NATIVE,
    "The parent replaces itself by a chord of its children (celery docs, userguide/canvas, "
    "Chords), whose members Redis counts by id (celery/backends/redis.py).",
)


@pattern_task("batch.parent")
def parent(self: PatternTask, job: str, n: int, work_s: float) -> object:
    child, gather = self.app.tasks["batch.child"], self.app.tasks["batch.gather"]
    children = [child.si(job, index, work_s).set(task_id=f"{job}/{index}") for index in range(n)]
    return self.replace(chord(children, gather.s(), app=self.app))


@pattern_task("batch.child")
def child(self: PatternTask, job: str, index: int, work_s: float) -> int:
    with self.attempt(job, f"child/{index}"):
        nap(work_s)
    return index


@pattern_task("batch.gather")
def gather(self: PatternTask, indices: list[int]) -> int:  # noqa: ARG001
    return len(set(indices))


def start(app: PatternApp, job: str, given: Mapping[str, object]) -> None:
    app.tasks["batch.parent"].apply_async((job, given["n"], given["work_s"]), task_id=job)
