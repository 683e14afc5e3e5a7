"""A worker of the patterns: `python -m celery_impl.patterns.worker --role cpu|gpu|all`."""

import argparse
import os
import socket
from typing import Any

from shared.presence import Presence
from shared.settings import Settings


def main() -> None:
    """Run one worker in the foreground until a signal stops it."""
    parser = argparse.ArgumentParser(prog="celery_impl.patterns.worker", description=__doc__)
    parser.add_argument("--role", choices=["cpu", "gpu", "all"], required=True)
    parser.add_argument("--version", choices=["v1", "v2"], default="v1")
    options = parser.parse_args()
    settings = Settings.from_environment()

    from celery_impl.profile import limit_countdowns, load

    # billiard reads REMAP_SIGTERM when it is imported (billiard/common.py).
    os.environ.update(load(settings).environment)
    from celery_impl.patterns.app import build_app
    from celery_impl.patterns.priority import TENANT_QUEUES

    app = build_app(settings)
    app.version = options.version
    _announce_children(app, options.role)
    cpu, gpu = ["cpu", *TENANT_QUEUES], ["gpu"]
    slots = 1 if options.role == "gpu" else settings.cpu_slots
    limit_countdowns(app.conf, slots)
    app.Worker(
        hostname=f"{settings.worker_name}@{socket.gethostname()}",
        queues={"cpu": cpu, "gpu": gpu, "all": cpu + gpu}[options.role],
        concurrency=slots,
        beat=options.role != "gpu",
        scheduler="celery_impl.patterns.schedule:RedisScheduler",
        loglevel="INFO",
        **app.profile.worker,
    ).start()


def _announce_children(app: Any, role: str) -> None:
    from celery import signals

    announced: list[Presence] = []

    def start(**_: object) -> None:
        presence = Presence(app.workers, app.settings.worker_name, role, "celery")
        announced.append(presence)
        presence.start()

    def stop(**_: object) -> None:
        for presence in announced:
            presence.stop()

    signals.worker_process_init.connect(start, weak=False)
    signals.worker_process_shutdown.connect(stop, weak=False)


if __name__ == "__main__":
    main()
