"""The Celery application: queues, routes and the settings of a profile."""

from importlib import import_module
from typing import Any

from celery.backends.redis import RedisBackend
from kombu.entity import Exchange
from kombu.entity import Queue as BrokerQueue

from celery_impl.kept_by_us.application import ChangeoverApp
from celery_impl.kept_by_us.housekeeping import HOUSEKEEPING
from celery_impl.kept_by_us.rabbit_queues import queue_name
from celery_impl.profile import Broker, CeleryProfile, load
from celery_impl.versions import refuse_unknown
from celery_impl.workloads import WORKLOADS
from shared.domain.errors import JobCancelled, StepRefused, UnknownJob
from shared.domain.jobs import EffectiveSetting
from shared.policy import POLICIES, Queue, StepPolicy
from shared.settings import Settings

# A first publish connects, and by default goes on trying for ever (kombu/connection.py,
# _extract_failover_opts); a client that answers people has to give up in time.
_PUBLISHER = {
    "max_retries": 1,
    "interval_start": 0.0,
    "interval_step": 0.1,
    "interval_max": 0.1,
    "socket_timeout": 0.5,
    "socket_connect_timeout": 0.5,
}
# Where results are in Redis it reads them with a backend of its own, which gives up as soon.
_READER = {
    "redis_socket_timeout": 0.5,
    "redis_socket_connect_timeout": 0.5,
    "result_backend_always_retry": False,
}
PUBLISHER_SETTINGS = [
    EffectiveSetting(
        f"publisher.broker_transport_options.{name}",
        str(value),
        "A client that answers people gives up in time; equal in every profile.",
        "kombu/connection.py, _extract_failover_opts",
    )
    for name, value in _PUBLISHER.items()
] + [
    EffectiveSetting(
        f"publisher.{name}",
        str(value),
        "A client that answers people gives up in time; equal in every profile.",
        "celery/backends/redis.py; celery/backends/base.py, _ensure_retryable",
    )
    for name, value in _READER.items()
]


_TASKS = POLICIES | {
    task: POLICIES[step] for runs in WORKLOADS.values() for task, step in runs.renamed_tasks.items()
}
for _runs in WORKLOADS.values():
    import_module(_runs.task_module)  # registers the shared tasks


def build_publisher(settings: Settings) -> ChangeoverApp:
    """Return the application of a process that only submits jobs, and never waits long for it."""
    app = build_app(settings)
    app.conf.broker_transport_options = {**app.conf.broker_transport_options, **_PUBLISHER}
    # Freezing a chord subscribes to its results (celery/result.py, ResultSet.__init__), which
    # needs Redis, blocks while it is down, and is of no use here: workers count chord members.
    app.conf.result_backend = "cache+memory://"
    app.conf.update(_READER)
    app.reads_results_from = RedisBackend(app=app, url=settings.redis_url)
    return app


def build_app(settings: Settings) -> ChangeoverApp:
    """Return the application for the profile that the settings name; nothing is connected yet.

    `BadSetting` if there is none, or if the installed Celery or kombu would ignore a part of it.
    """
    profile = load(settings)
    refuse_unknown(profile)
    prefix = f"{settings.namespace}:"
    app = ChangeoverApp("changeover", set_as_current=False)
    app.settings = settings
    app.profile = profile
    app.conf.update(
        broker_url=profile.broker_url,
        result_backend=_backend_url(profile, settings),
        result_backend_transport_options={"global_keyprefix": prefix},
        accept_content=["json"],
        # Steps store their own results, in SQL or in the backend (celery_impl/steps.py); of itself
        # the backend counts chord members and keeps what an errback reads.
        task_ignore_result=True,
        task_store_errors_even_if_ignored=True,
        task_queues=[_queue(name, profile, settings) for name in (*Queue, *HOUSEKEEPING)],
        task_default_queue=Queue.CPU.value,
        task_create_missing_queues=False,
        task_routes={task: {"queue": policy.queue.value} for task, policy in _TASKS.items()}
        | {task: {"queue": task} for task in HOUSEKEEPING},
        task_annotations={
            task: _annotations(policy, profile, settings.outage_patience_s)
            for task, policy in _TASKS.items()
        },
    )
    app.conf.update(profile.conf)
    app.conf.broker_transport_options = {"global_keyprefix": prefix, **profile.transport}
    if profile.broker is Broker.RABBITMQ:
        _keep_apart(app, profile, settings)
    return app


def _keep_apart(app: ChangeoverApp, profile: CeleryProfile, settings: Settings) -> None:
    # RabbitMQ has no prefix of keys: what is not told apart by its name is everybody's.
    app.conf.broker_transport_options = dict(profile.transport)
    app.conf.control_exchange = f"{settings.namespace}.celery"
    app.conf.event_exchange = f"{settings.namespace}.celeryev"


def _backend_url(profile: CeleryProfile, settings: Settings) -> str:
    # "class+url" names a backend of one's own (celery/app/backends.py, by_url).
    if profile.backend is None:
        return settings.redis_url
    return f"{profile.backend}+{settings.redis_url}"


def _queue(name: str, profile: CeleryProfile, settings: Settings) -> Any:
    if profile.broker is Broker.RABBITMQ:
        return _rabbit_queue(name, profile, settings)
    exchange: Any = Exchange(name)  # type: ignore[no-untyped-call]  # kombu is typed in part
    return BrokerQueue(name, exchange, routing_key=name)  # type: ignore[no-untyped-call]


def _rabbit_queue(name: str, profile: CeleryProfile, settings: Settings) -> Any:
    # One broker has the queues of many environments, and no prefix for keys. A countdown goes
    # through an exchange that copies by topic (kombu/transport/native_delayed_delivery.py).
    full = queue_name(settings, name)
    exchange: Any = Exchange(full, type="topic")  # type: ignore[no-untyped-call]
    return BrokerQueue(  # type: ignore[no-untyped-call]
        full, exchange, full, alias=name, queue_arguments=dict(profile.queue_arguments)
    )


def _retries(policy: StepPolicy, profile: CeleryProfile) -> dict[str, Any]:
    """Return a policy as Celery's own options (celery/app/autoretry.py)."""
    longest_s = min(policy.maximum_interval_s, profile.longest_countdown_s)
    return {
        # Celery counts retries, the policy counts executions.
        "max_retries": policy.maximum_attempts - 1,
        # Also that of task_retry_on_worker_lost; 180 s unless changed (celery/app/task.py).
        "default_retry_delay": policy.initial_interval_s,
        "autoretry_for": (Exception,),
        "dont_autoretry_for": (StepRefused, JobCancelled, UnknownJob),
        # In whole seconds, doubled each time.
        "retry_backoff": policy.initial_interval_s,
        "retry_backoff_max": max(1, int(longest_s)),
        "retry_jitter": False,
    }


def _annotations(policy: StepPolicy, profile: CeleryProfile, patience_s: float) -> dict[str, Any]:
    annotations: dict[str, Any] = {"max_retries": 0}
    if profile.retries:
        annotations = _retries(policy, profile)
    if profile.time_limits:
        # The soft limit raises in the step, which is then retried. The hard one kills the child
        # and fails the task, so it is for a step that hangs in C code only. A task ends once what
        # follows it is published (celery/app/trace.py, trace_task), so that a limit without the
        # patience for that would fail a step whose work is done while the broker is away.
        annotations["soft_time_limit"] = policy.start_to_close_s + patience_s
        annotations["time_limit"] = policy.start_to_close_s * 1.1 + patience_s
    return annotations
