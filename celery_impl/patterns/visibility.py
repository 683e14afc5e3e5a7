"""What happened in a job, step by step, to be read afterwards."""

import json
import time
from collections.abc import Mapping
from typing import Any

from celery import chain
from celery.exceptions import Retry

from celery_impl.patterns.base import PatternApp, PatternTask, pattern_task
from shared.ports.patterns import Claim, Happening, Support
from shared.workloads.pattern_steps import ToldToFail, flaky

CLAIM = Claim(
    Support.BUILT,
    "A result is a task's last state, and events are gone unless somebody listened (celery docs, "
    "userguide/monitoring): the task writes a journal (userguide/tasks, Custom task classes).",
)


class JournaledTask(PatternTask):
    """A task `(job, step, ...)` that writes down what becomes of it."""

    abstract = True

    def __call__(self, job: str, step: str, *args: Any) -> Any:
        # The handler `on_success` is called when the next task has been published already.
        self._write(job, step, "started")
        try:
            result = self.run(job, step, *args)
        except Retry as again:
            self._write(job, step, f"failed, to be tried again: {again.exc}")
            raise
        except Exception as error:
            self._write(job, step, f"failed: {error}")
            raise
        self._write(job, step, "finished")
        return result

    def _write(self, job: str, step: str, what: str) -> None:
        line = json.dumps({"step": step, "what": what, "at_s": time.time()})
        self.app.redis.rpush(self.app.key("journal", job), line)


@pattern_task(
    "visibility.step", base=JournaledTask, autoretry_for=(ToldToFail,), retry_backoff=True
)
def step(self: JournaledTask, job: str, step: str, failures: int) -> int:
    with self.attempt(job, step) as this:
        return flaky(this, failures)


def start(app: PatternApp, job: str, given: Mapping[str, object]) -> None:  # noqa: ARG001
    step = app.tasks["visibility.step"]
    steps = [step.si(job, "first", 0), step.si(job, "flaky", 1), step.si(job, "last", 0)]
    steps[-1].set(task_id=job)
    chain(*steps, app=app).apply_async()


def history(app: PatternApp, job: str) -> list[Happening]:
    """Return the journal of a job."""
    lines = app.redis.lrange(app.key("journal", job), 0, -1)
    return [Happening(**json.loads(line)) for line in lines]
