"""GPU steps to GPU workers, the others to CPU workers."""

from collections.abc import Mapping

from celery import chain

from celery_impl.patterns.base import PatternApp, PatternTask, pattern_task
from shared.ports.patterns import Claim, Support

CLAIM = Claim(
    Support.NATIVE,
    "`task_routes` says a task's queue by its name, and a worker's `--queues` what it takes "
    "(celery docs, userguide/routing).",
)

ROUTES = {"*.long": {"queue": "gpu"}, "*.render": {"queue": "gpu"}}


@pattern_task("routing.prepare")
def prepare(self: PatternTask, job: str) -> None:
    with self.attempt(job, "prepare"):
        pass


@pattern_task("routing.render")
def render(self: PatternTask, job: str) -> None:
    with self.attempt(job, "render"):
        pass


def start(app: PatternApp, job: str, given: Mapping[str, object]) -> None:  # noqa: ARG001
    prepare, render = app.tasks["routing.prepare"], app.tasks["routing.render"]
    chain(prepare.si(job), render.si(job).set(task_id=job), app=app).apply_async()
