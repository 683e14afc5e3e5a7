"""A profile as Celery takes it.

Names in a profile are Celery's own: `broker_transport_options.x` goes to the transport, `worker.x`
is an option of the worker's command line, a name in capitals goes to the worker's environment,
`queue_arguments.x` is an argument of every queue. Ours are `broker`, which says what carries the
messages, and `steps.x`, what the tasks themselves do.
"""

import math
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from shared.domain.errors import BadSetting
from shared.domain.jobs import EffectiveSetting
from shared.profiles import Profile, load_profile
from shared.settings import Settings

TRANSPORT = "broker_transport_options."
_KEEPALIVE = "socket_keepalive_options"
_WORKER = "worker."
_STEPS = "steps."
_QUEUES = "queue_arguments."
_BACKEND = "result_backend"
_CONSUMER = "worker_consumer"
RECONNECT_EVERY_S = 1.0
"""How often a consumer of our own (`kept_by_us/consumer.py`) tries to connect."""
_CELERYS_LONGEST_WAIT_S = 30.0
"""Between two tries of Celery's consumer (kombu/connection.py, `_ensure_connection`)."""
_BROKER = "broker"
_ELSEWHERE = (TRANSPORT, _WORKER, _STEPS, _QUEUES)
_AMQP = ("amqp://", "amqps://")
_RABBITMQ_AT = "amqp://guest:guest@127.0.0.1:5672//"
_HEARTBEATS_MISSED = 3
_ONCE_MORE = {"max_retries": 1, "interval_start": 0, "interval_step": 0, "interval_max": 0}
_CONFIRMED_WITHIN_S = 0.8


class Broker(StrEnum):
    """What carries the messages."""

    REDIS = "redis"
    RABBITMQ = "rabbitmq"


class Results(StrEnum):
    """Where the results of steps are, and with them the number of attempts."""

    SQL = "sql"
    BACKEND = "backend"
    """Celery's own result backend."""


@dataclass(frozen=True, slots=True)
class CeleryProfile:
    """The effective settings of one profile, sorted by where they go."""

    name: str
    effective: list[EffectiveSetting]
    conf: dict[str, Any]
    transport: dict[str, Any]
    worker: dict[str, Any]
    environment: dict[str, str]
    backend: str | None
    """The class of the result backend, None for Celery's own."""
    retries: bool
    """Whether a failed step is tried again by `shared/policy.py`."""
    time_limits: bool
    """Whether a step is stopped after its policy's `start_to_close_s`."""
    recovers: bool
    """Whether a message that the broker lost before a step began is missed and sent again."""
    results: Results = Results.SQL
    resumes: bool = True
    """Whether an attempt goes on from an earlier one's checkpoint; else it starts from nothing."""
    takes_over: bool = False
    """Whether a retry after a child's death begins at once, and not once the child's lease ends."""
    renewals: int = 0
    """How often a running step renews its lease with the broker in one visibility timeout."""
    broker: Broker = Broker.REDIS
    broker_url: str = ""
    queue_arguments: Mapping[str, Any] = field(default_factory=dict)
    """What every queue is declared with."""
    takes_over_redelivered: bool = False
    """Whether a message that is handed out again is proof enough that its last worker is gone."""

    @property
    def renews_every_s(self) -> float | None:
        """The time between two renewals of a running step's lease, None for never."""
        return self.visibility_timeout_s / self.renewals if self.renewals else None

    @property
    def reconnect_s(self) -> float:
        """The longest time between two tries of a worker to connect to its broker."""
        return RECONNECT_EVERY_S if _CONSUMER in self.conf else _CELERYS_LONGEST_WAIT_S

    @property
    def visibility_timeout_s(self) -> float:
        """How long after its delivery, or its last renewal, an unacknowledged message is handed
        out again.
        """
        return float(self.transport["visibility_timeout"])

    @property
    def sweep_s(self) -> float:
        """The longest time between two looks for messages past the visibility timeout.

        Source: kombu/transport/redis.py, `restore_visible`. A worker that is killed during its
        own look leaves the mutex behind, which then has to expire.
        """
        every = self.transport["unacked_restore_interval"]
        throttle = self.transport["unacked_restore_throttle"]
        return float(every * throttle + self.transport["unacked_mutex_expire"])

    @property
    def heartbeats_s(self) -> float:
        """How long RabbitMQ may take at most to close the connection of a silent worker.

        It looks once a heartbeat whether anything has come since it last looked, and closes at the
        second look without (rabbit_common, rabbit_heartbeat.erl).
        """
        return float(_HEARTBEATS_MISSED * self.conf["broker_heartbeat"])

    @property
    def redelivered_within_s(self) -> float:
        """How long a message may stay with a worker that is dead or cut off."""
        if self.broker is Broker.RABBITMQ:
            return self.heartbeats_s
        return self.visibility_timeout_s + self.sweep_s

    @property
    def publishing(self) -> dict[str, Any]:
        """How a process publishes that answers people: it gives up in time.

        A connection that RabbitMQ has closed is noticed only in use, so there it is tried once more
        at once; and the broker's confirmation is waited for.
        """
        if self.broker is Broker.RABBITMQ:
            return {
                "retry": True,
                "retry_policy": _ONCE_MORE,
                "confirm_timeout": _CONFIRMED_WITHIN_S,
            }
        return {"retry": False}

    @property
    def longest_countdown_s(self) -> float:
        """How long a message may wait for its time.

        On Redis it is unacknowledged meanwhile: past the visibility timeout it would be handed out
        again and again (celery docs, "Using Redis"; celery#5935). RabbitMQ has queues for it.
        """
        if self.broker is Broker.RABBITMQ:
            return math.inf
        return self.visibility_timeout_s / 2


def load(settings: Settings) -> CeleryProfile:
    """Read the profile that the settings name; `BadSetting` if it is not there or incomplete."""
    profile = load_profile("celery_impl", settings)
    results = Results(profile.values.get("steps.results", Results.SQL))
    resumes = bool(profile.values.get("steps.resumes", True))
    if resumes and results is Results.BACKEND:
        raise BadSetting(
            f"{profile.name}.toml: a result backend keeps no checkpoints;"
            ' steps.resumes = true needs steps.results = "sql"'
        )
    broker = Broker(profile.values.get(_BROKER, Broker.REDIS))
    return CeleryProfile(
        name=profile.name,
        effective=profile.effective,
        conf=_conf(profile),
        transport=_transport(profile),
        worker=_below(profile, _WORKER),
        environment={name: str(value) for name, value in profile.values.items() if name.isupper()},
        backend=profile.values.get(_BACKEND),
        retries=bool(profile.values["steps.retries"]),
        time_limits=bool(profile.values["steps.time_limits"]),
        recovers=bool(profile.values["steps.recovers"]),
        results=results,
        resumes=resumes,
        takes_over=bool(profile.values.get("steps.takes_over", False)),
        renewals=int(profile.values.get("steps.renewals", 0)),
        broker=broker,
        broker_url=_broker_url(profile.name, broker, settings),
        queue_arguments=_below(profile, _QUEUES),
        takes_over_redelivered=bool(profile.values.get("steps.takes_over_redelivered", False)),
    )


def limit_countdowns(conf: Any, slots: int) -> None:
    """Leave `worker_eta_task_limit` to a worker of one slot.

    Above one slot it would not hold the prefetch where it is but lower it, countdown by countdown
    (kombu/common.py, QoS).
    """
    if slots > 1:
        conf.worker_eta_task_limit = None


def _broker_url(profile: str, broker: Broker, settings: Settings) -> str:
    speaks_amqp = settings.broker_url.startswith(_AMQP)
    if not settings.broker_url:
        return _RABBITMQ_AT if broker is Broker.RABBITMQ else settings.redis_url
    if speaks_amqp != (broker is Broker.RABBITMQ):
        raise BadSetting(
            f"CHANGEOVER_BROKER_URL names no server of the kind that {profile} is for, {broker}:"
            " amqp://... goes with CHANGEOVER_PROFILE=rabbitmq and with no other profile"
        )
    return settings.broker_url


def _conf(profile: Profile) -> dict[str, Any]:
    return {
        name: value
        for name, value in profile.values.items()
        if not (name.isupper() or name in (_BACKEND, _BROKER) or name.startswith(_ELSEWHERE))
    }


def _transport(profile: Profile) -> dict[str, Any]:
    transport = _below(profile, TRANSPORT)
    if by_name := transport.get(_KEEPALIVE):
        # As numbers, which differ from system to system.
        transport[_KEEPALIVE] = {
            getattr(socket, name): value for name, value in by_name.items() if hasattr(socket, name)
        }
    return transport


def _below(profile: Profile, prefix: str) -> dict[str, Any]:
    return {
        name.removeprefix(prefix): value
        for name, value in profile.values.items()
        if name.startswith(prefix)
    }
