"""The worker process: `python -m celery_impl.worker --role gpu|cpu`."""

import argparse
import os
import socket
import sys

from shared.domain.errors import ChangeoverError
from shared.extras import needed_to_compute, require
from shared.policy import Queue
from shared.settings import Settings


def preload() -> None:
    """Import all that a worker and its models need: for a process that forks workers."""
    _import_celery(Settings.from_environment())
    from shared.preload import preload

    preload()


def main() -> int:
    """Run one worker until a signal stops it; 3 if the environment is not fit."""
    parser = argparse.ArgumentParser(prog="celery_impl.worker", description=__doc__)
    parser.add_argument("--role", type=Queue, choices=list(Queue), required=True)
    role: Queue = parser.parse_args().role
    try:
        settings = Settings.from_environment()
        if role is Queue.GPU:
            require(needed_to_compute(settings.compute, settings.workloads))
        _run(role, settings)
    except ChangeoverError as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        return 3
    return 0


def _run(role: Queue, settings: Settings) -> None:
    _import_celery(settings)
    from celery_impl.child import build_worker_app
    from celery_impl.ending import EndsInTime
    from celery_impl.gate import ReadyChildren
    from celery_impl.kept_by_us.housekeeping import HOUSEKEEPING
    from celery_impl.kept_by_us.lost_child import LooksForLostChildren
    from celery_impl.profile import limit_countdowns
    from shared.runtime import import_ahead

    app = build_worker_app(settings, role)
    # Every child has it then, also one that takes the place of another.
    import_ahead(role)
    slots = 1 if role is Queue.GPU else settings.cpu_slots
    limit_countdowns(app.conf, slots)
    app.steps["consumer"].add(ReadyChildren)
    app.steps["worker"].add(EndsInTime)
    if app.profile.takes_over:
        app.steps["worker"].add(LooksForLostChildren)
    app.Worker(
        hostname=f"{settings.worker_name}@{socket.gethostname()}",
        queues=[role.value] if role is Queue.GPU else [role.value, *HOUSEKEEPING],
        concurrency=slots,
        loglevel="INFO",
        **app.profile.worker,
    ).start()


def _import_celery(settings: Settings) -> None:
    """Import it as the profile wants it.

    billiard reads REMAP_SIGTERM when it is imported (billiard/common.py), so Celery is imported
    only after the profile has set it.
    """
    from celery_impl.profile import load

    os.environ.update(load(settings).environment)
    import celery_impl.child  # noqa: F401


if __name__ == "__main__":
    sys.exit(main())
