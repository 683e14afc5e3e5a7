"""The worker process: `python -m celery_impl.worker --role gpu|cpu`."""

import argparse
import os
import socket

from shared.policy import Queue
from shared.settings import Settings


def preload() -> None:
    """Import all that a worker and its models need: for a process that forks workers."""
    settings = _import_celery()
    from shared.compute.choose import import_libraries

    import_libraries(settings)


def main() -> None:
    """Run one worker in the foreground until a signal stops it."""
    parser = argparse.ArgumentParser(prog="celery_impl.worker", description=__doc__)
    parser.add_argument("--role", type=Queue, choices=list(Queue), required=True)
    role: Queue = parser.parse_args().role
    settings = _import_celery()
    from celery_impl.child import build_worker_app
    from celery_impl.ending import EndsInTime
    from celery_impl.gate import ReadyChildren
    from celery_impl.kept_by_us.housekeeping import HOUSEKEEPING
    from celery_impl.profile import limit_countdowns

    app = build_worker_app(settings, role)
    slots = 1 if role is Queue.GPU else settings.cpu_slots
    limit_countdowns(app.conf, slots)
    app.steps["consumer"].add(ReadyChildren)
    app.steps["worker"].add(EndsInTime)
    app.Worker(
        hostname=f"{settings.worker_name}@{socket.gethostname()}",
        queues=[role.value] if role is Queue.GPU else [role.value, *HOUSEKEEPING],
        concurrency=slots,
        loglevel="INFO",
        **app.profile.worker,
    ).start()


def _import_celery() -> Settings:
    """Import it as the profile wants it, and return the settings.

    billiard reads REMAP_SIGTERM when it is imported (billiard/common.py), so Celery is imported
    only after the profile has set it.
    """
    from celery_impl.profile import load

    settings = Settings.from_environment()
    os.environ.update(load(settings).environment)
    import celery_impl.child  # noqa: F401

    return settings


if __name__ == "__main__":
    main()
