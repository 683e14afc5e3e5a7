"""Retries with backoff, and errors that are never retried."""

from collections.abc import Mapping

from celery_impl.patterns.base import PatternApp, PatternTask, pattern_task
from shared.ports.patterns import Claim, Support
from shared.workloads.pattern_steps import ToldToFail, flaky

CLAIM = Claim(
    Support.NATIVE,
    "`autoretry_for` with `retry_backoff`, in whole seconds; what it does not name is not retried. "
    "`max_retries` counts retries, not attempts (celery docs, userguide/tasks, Retrying).",
)


@pattern_task(
    "retries.flaky",
    autoretry_for=(ToldToFail,),
    retry_backoff=True,
    retry_jitter=False,
    max_retries=2,
)
def flaky_step(self: PatternTask, job: str, failures: int, refuse: bool) -> int:
    with self.attempt(job, "flaky") as this:
        return flaky(this, failures, refuse=refuse)


def start(app: PatternApp, job: str, given: Mapping[str, object]) -> None:
    app.tasks["retries.flaky"].apply_async((job, given["failures"], given["refuse"]), task_id=job)
