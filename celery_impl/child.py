"""What happens in the processes that run the steps: the children of a worker's pool."""

import logging
from collections.abc import Callable
from typing import Any

from celery import signals
from celery.platforms import EX_FAILURE

from celery_impl.app import build_app
from celery_impl.kept_by_us.application import ChangeoverApp
from celery_impl.kept_by_us.housekeeping import keep_sweeps_out_of_the_log
from celery_impl.kept_by_us.renewal import renew_running_tasks
from shared.policy import Queue
from shared.presence import Presence
from shared.settings import Settings

_log = logging.getLogger(__name__)


def build_worker_app(settings: Settings, role: Queue) -> ChangeoverApp:
    """Return the application of a worker, whose children open their own ports when they start.

    The parent opens none: a database handle or a CUDA context does not survive a fork.
    """
    app = build_app(settings)
    keep_sweeps_out_of_the_log()
    # A spawned child rebuilds the application instead of unpickling its configuration.
    app.rebuild = (build_worker_app, (settings, role))
    _connect(app, role)
    if every_s := app.profile.renews_every_s:
        renew_running_tasks(app.profile.broker_url, settings.namespace, every_s)
    return app


def _connect(app: ChangeoverApp, role: Queue) -> None:
    presence: list[Presence] = []

    def start(**_: Any) -> None:
        try:
            runtime = app.open_runtime()
            runtime.warm_up(role)
        except Exception as error:
            # A signal's sender logs what a receiver raises and goes on (celery/utils/dispatch):
            # the child would take work that it cannot do.
            _log.exception("this child cannot work")
            raise SystemExit(EX_FAILURE) from error
        name = runtime.settings.worker_name
        presence.append(Presence(runtime.workers, name, role.value, "celery"))
        presence[0].start()

    def stop(**_: Any) -> None:
        for announced in presence:
            announced.stop()

    _keep(signals.worker_process_init, start)
    _keep(signals.worker_process_shutdown, stop)


def _keep(signal: Any, receiver: Callable[..., None]) -> None:
    signal.connect(receiver, weak=False)
