"""The Celery application of the patterns, on the hardened profile.

A job's name is the id of the task whose result is the job's; the job's state is that task's in the
result backend, with Celery's states and, as its documentation allows, two of our own.
"""

from celery_impl.patterns import (
    affinity,
    approval,
    batch,
    branch,
    cancel,
    chain,
    checkpoint,
    deploy,
    dynamic,
    events,
    fan_out,
    idempotent_start,
    isolation,
    local_step,
    long_job,
    priority,
    progress,
    rate_limit,
    retries,
    routing,
    saga,
    schedule,
    start,
    visibility,
)
from celery_impl.patterns.base import PatternApp
from celery_impl.profile import load
from shared.settings import Settings

PATTERNS = {
    "affinity": affinity,
    "approval": approval,
    "batch": batch,
    "branch": branch,
    "cancel": cancel,
    "chain": chain,
    "checkpoint": checkpoint,
    "deploy": deploy,
    "dynamic": dynamic,
    "events": events,
    "fan_out": fan_out,
    "idempotent_start": idempotent_start,
    "isolation": isolation,
    "local_step": local_step,
    "long_job": long_job,
    "priority": priority,
    "progress": progress,
    "rate_limit": rate_limit,
    "retries": retries,
    "routing": routing,
    "saga": saga,
    "schedule": schedule,
    "start": start,
    "visibility": visibility,
}
"""The module of each pattern; importing them registers their tasks."""


def build_app(settings: Settings) -> PatternApp:
    """Return the application; nothing is connected yet."""
    app = PatternApp("patterns", set_as_current=False)
    app.settings = settings
    app.profile = load(settings)
    app.conf.update(
        broker_url=settings.redis_url,
        result_backend=settings.redis_url,
        accept_content=["json"],
        task_default_queue="cpu",
        task_routes=routing.ROUTES,
        worker_direct=True,
        beat_schedule={
            "sweep-affinity": affinity.SWEEP,
            "sweep-batch": batch.SWEEP,
            "sweep-events": events.SWEEP,
            "sweep-long-job": long_job.SWEEP,
        },
    )
    conf = {name: value for name, value in app.profile.conf.items() if name != "result_backend"}
    app.conf.update(conf)
    app.conf.broker_transport_options = app.profile.transport
    isolation.separate(app)
    return app
