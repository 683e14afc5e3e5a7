"""Cancel a running GPU step: it asks, between two units of work, whether it is to stop."""

from collections.abc import Mapping

from celery.contrib.abortable import AbortableAsyncResult, AbortableTask
from celery.exceptions import Ignore

from celery_impl.patterns.base import PatternApp, PatternTask, pattern_task
from shared.domain.errors import JobCancelled
from shared.ports.patterns import Claim, Support
from shared.workloads.pattern_steps import count

CLAIM = Claim(
    Support.NATIVE,
    "`AbortableTask` reads its own state from the result backend (celery/contrib/abortable.py; its "
    "page says database backends only, the code takes any). `revoke(terminate=True)` would kill "
    "the process instead, with the model in it.",
)


class AbortablePatternTask(AbortableTask, PatternTask):  # type: ignore[misc]  # no types
    """A task that can be aborted."""

    abstract = True


@pattern_task("cancel.long", base=AbortablePatternTask)
def long(self: AbortablePatternTask, job: str, total: int, every_s: float) -> int:
    try:
        with self.attempt(job, "long") as this:
            return count(this, total, every_s, stop=self.is_aborted)
    except JobCancelled:
        # A result of any kind would overwrite the state ABORTED.
        raise Ignore from None


def start(app: PatternApp, job: str, given: Mapping[str, object]) -> None:
    app.tasks["cancel.long"].apply_async((job, given["total"], given["every_s"]), task_id=job)


def cancel(app: PatternApp, job: str) -> None:
    """Ask a job to stop; one that is done stays done."""
    AbortableAsyncResult(job, app=app).abort()
