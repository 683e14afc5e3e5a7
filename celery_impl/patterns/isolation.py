"""Environments on the same servers that know nothing of each other."""

from collections.abc import Mapping

from celery_impl.patterns.base import PatternApp, PatternTask, pattern_task
from shared.ports.patterns import Claim, Support

CLAIM = Claim(
    Support.NATIVE,
    "`global_keyprefix` of the broker and of the result backend: every key and channel is an "
    "environment's own (kombu/transport/redis.py; celery docs, userguide/configuration).",
)


def separate(app: PatternApp) -> None:
    """Keep this application's queues and results apart from other environments'."""
    prefix = f"{app.settings.namespace}:"
    app.conf.result_backend_transport_options = {"global_keyprefix": prefix}
    app.conf.broker_transport_options = {
        **app.conf.broker_transport_options,
        "global_keyprefix": prefix,
    }


@pattern_task("isolation.work")
def work(self: PatternTask, job: str) -> str:
    with self.attempt(job, "work"):
        return self.app.settings.namespace


def start(app: PatternApp, job: str, given: Mapping[str, object]) -> None:  # noqa: ARG001
    app.tasks["isolation.work"].apply_async((job,), task_id=job)
