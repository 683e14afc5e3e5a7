"""Go on one way or the other, by the result of a step."""

from collections.abc import Mapping

from celery_impl.patterns.base import PatternApp, PatternTask, pattern_task
from shared.ports.patterns import Claim, Support

CLAIM = Claim(
    Support.NATIVE,
    "A canvas has no condition, but a running task may `replace` itself by another, which inherits "
    "its id and with that its result (celery/app/task.py, Task.replace).",
)


@pattern_task("branch.look")
def look(self: PatternTask, job: str, number: int) -> object:
    with self.attempt(job, "look"):
        way = "odd" if number % 2 else "even"
    return self.replace(self.app.tasks["branch.go"].si(job, way))


@pattern_task("branch.go")
def go(self: PatternTask, job: str, way: str) -> str:
    with self.attempt(job, way):
        return way


def start(app: PatternApp, job: str, given: Mapping[str, object]) -> None:
    app.tasks["branch.look"].apply_async((job, given["number"]), task_id=job)
