"""Compensation: undo what was done, in reverse order, when a later step fails for good."""

from collections.abc import Mapping
from typing import Any

from celery import chain

from celery_impl.patterns.base import PatternApp, PatternTask, pattern_task
from shared.domain.errors import StepRefused
from shared.ports.patterns import Claim, Support
from shared.workloads.pattern_steps import nap

CLAIM = Claim(
    Support.BUILT,
    "Each step carries the undoing of those before it as its errback, a chain of its own (celery "
    "docs, userguide/canvas, Error callbacks); late acknowledgement hands either out again.",
)


@pattern_task("saga.step")
def step(self: PatternTask, job: str, name: str, slow: str, slow_s: float) -> None:
    with self.attempt(job, name):
        if name == slow:
            nap(slow_s)
        if name == "do_c":
            raise StepRefused("do_c was told to fail")


def start(app: PatternApp, job: str, given: Mapping[str, Any]) -> None:
    def step(name: str) -> Any:
        return app.tasks["saga.step"].si(job, name, given["slow"], given["slow_s"])

    undo_b_a = chain(step("undo_b"), step("undo_a"), app=app)
    do_b = step("do_b").on_error(step("undo_a"))
    do_c = step("do_c").on_error(undo_b_a).set(task_id=job)
    chain(step("do_a"), do_b, do_c, app=app).apply_async()
