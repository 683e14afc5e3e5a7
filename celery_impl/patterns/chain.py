"""A chain: each step gets the value of the one before."""

from collections.abc import Mapping

from celery import chain

from celery_impl.patterns.base import PatternApp, PatternTask, pattern_task
from shared.ports.patterns import Claim, Support

CLAIM = Claim(
    Support.NATIVE,
    "`chain` passes each result on as the next task's first argument "
    "(celery docs, userguide/canvas, Chains).",
)


@pattern_task("chain.add_one")
def add_one(self: PatternTask, value: int, job: str, step: str) -> int:
    with self.attempt(job, step):
        return value + 1


def start(app: PatternApp, job: str, given: Mapping[str, object]) -> None:  # noqa: ARG001
    add_one = app.tasks["chain.add_one"]
    steps = [add_one.s(0, job, "one"), add_one.s(job, "two"), add_one.s(job, "three")]
    steps[-1].set(task_id=job)
    chain(*steps, app=app).apply_async()
