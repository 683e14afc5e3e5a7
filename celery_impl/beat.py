"""The clock's process, `python -m celery_impl.beat`: sends the housekeeping tasks that are due."""

import argparse
import sys
from datetime import timedelta

from celery_impl.app import build_app
from celery_impl.kept_by_us.application import ChangeoverApp
from celery_impl.kept_by_us.clock import Clock
from celery_impl.kept_by_us.housekeeping import (
    PURGE_UPLOADS,
    RECOVER,
    SWEEP,
    keep_sweeps_out_of_the_log,
)
from shared.adapters.sql import connect
from shared.adapters.workers import SqlWorkers
from shared.domain.errors import ChangeoverError
from shared.presence import Presence
from shared.settings import Settings

SWEEP_EVERY_S = 1.0


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


def main() -> int:
    """Run the clock in the foreground until a signal stops it; 3 if the environment is not fit."""
    argparse.ArgumentParser(prog="celery_impl.beat", description=__doc__).parse_args()
    try:
        settings = Settings.from_environment()
        app = build_beat(settings)
    except ChangeoverError as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        return 3
    keep_sweeps_out_of_the_log()
    workers = SqlWorkers(connect(settings.database_url))
    presence = Presence(workers, settings.worker_name, "beat", "celery")
    presence.start()
    try:
        app.Beat(scheduler_cls=Clock, loglevel="INFO", quiet=True).run()
    finally:
        presence.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
