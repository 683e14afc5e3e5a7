"""The application that Celery's own command finds: `celery -A celery_impl inspect active`.

It looks at what runs, and so do `events`, `report` and Flower with it. The settings are read here,
while the module is imported, since that is where the `celery` command starts. Workers and beat have
commands of their own, which open the ports that the tasks need.
"""

from typing import Any

from celery import signals

from celery_impl.app import build_app
from celery_impl.kept_by_us.application import ChangeoverApp
from celery_impl.profile import Broker
from shared.settings import Settings

_NEVER_S = 10 * 365 * 86_400


def build_monitor(settings: Settings) -> ChangeoverApp:
    """Return the application of a process that looks and takes no step.

    Whoever waits for an answer on Redis hands out what is past the visibility timeout, as a worker
    does (kombu/transport/redis.py, `MultiChannelPoller.get`). A command that was given another
    budget than the workers would repeat what runs, so this one has nothing ever overdue.
    """
    app = build_app(settings)
    if app.profile.broker is Broker.REDIS:
        transport = {**app.conf.broker_transport_options, "visibility_timeout": _NEVER_S}
        app.conf.broker_transport_options = transport
    return app


def _refuse(**_: Any) -> None:
    raise SystemExit(
        "celery -A celery_impl looks, and runs no step: start a worker with"
        " python -m celery_impl.worker --role gpu|cpu, the clock with python -m celery_impl.beat"
    )


signals.celeryd_init.connect(_refuse)
signals.beat_init.connect(_refuse)
app = build_monitor(Settings.from_environment())
