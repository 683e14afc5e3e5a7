"""The clock: `python -m celery_impl.beat` sends the housekeeping tasks when they are due."""

import argparse
import logging
from datetime import timedelta
from typing import Any

from celery.beat import Scheduler
from redis import RedisError

from celery_impl.app import build_app
from celery_impl.application import ChangeoverApp
from celery_impl.housekeeping import (
    PURGE_UPLOADS,
    RECOVER,
    SWEEP,
    keep_sweeps_out_of_the_log,
)
from celery_impl.queues import Queues
from shared.adapters.sql import connect
from shared.adapters.workers import SqlWorkers
from shared.presence import Presence
from shared.settings import Settings

SWEEP_EVERY_S = 1.0
_log = logging.getLogger(__name__)


class Clock(Scheduler):  # type: ignore[misc]  # celery ships no types
    """Sends nothing whose last one still waits, so that nothing piles up while workers are down.

    A message's expiry would not do: it is looked at only by the worker that receives it. In
    memory, where Celery's own keeps a file: what is due is known from rows, and all is due at the
    start, which costs little. Any number of these may run.
    """

    def __init__(self, app: ChangeoverApp, **options: Any) -> None:
        self._queues = Queues(app.settings)
        super().__init__(app, **options)

    def apply_async(self, entry: Any, *args: Any, **options: Any) -> Any:
        """Send what is due, unless it waits already or nobody can tell."""
        try:
            if self._queues.waiting(entry.task):
                return None
        except RedisError as error:
            _log.warning("%s is not sent: %s", entry.task, error)
            return None
        return super().apply_async(entry, *args, **options)


def build_beat(settings: Settings) -> ChangeoverApp:
    """Return the application of the clock: which task is sent how often."""
    app = build_app(settings)
    every_s = {SWEEP: SWEEP_EVERY_S, PURGE_UPLOADS: settings.purge_every_s}
    if app.profile.recovers:
        every_s[RECOVER] = settings.detection_budget_s
    app.conf.beat_schedule = {
        task: {
            "task": task,
            "schedule": seconds,
            "last_run_at": app.now() - timedelta(seconds=seconds),
        }
        for task, seconds in every_s.items()
    }
    return app


def main() -> None:
    """Run the clock in the foreground until a signal stops it."""
    argparse.ArgumentParser(prog="celery_impl.beat", description=__doc__).parse_args()
    settings = Settings.from_environment()
    app = build_beat(settings)
    keep_sweeps_out_of_the_log()
    workers = SqlWorkers(connect(settings.database_url))
    presence = Presence(workers, settings.worker_name, "beat", "celery")
    presence.start()
    try:
        app.Beat(scheduler_cls=Clock, loglevel="INFO", quiet=True).run()
    finally:
        presence.stop()


if __name__ == "__main__":
    main()
