"""Start a job once, however often and from wherever its start is asked for."""

import time
from collections.abc import Callable, Mapping

from celery_impl.patterns.base import PatternApp
from shared.ports.patterns import Claim, Support

CLAIM = Claim(
    Support.BUILT,
    "A broker takes the same task id as often as it is sent (celery docs, userguide/calling), so "
    "the publishers agree in Redis, by SET NX, on who sends it.",
)

_CLAIM_S = 3
_PUBLISHED = "published"


def start_once(app: PatternApp, job: str, publish: Callable[[], object]) -> None:
    """Publish unless that has been done; `TimeoutError` if another publisher gets nowhere.

    One that dies over it leaves a claim that expires: the next publishes again, and if the first
    got as far as the broker, its message is there twice.
    """
    key = app.key("started", job)
    give_up_at = time.monotonic() + 2 * _CLAIM_S
    while app.redis.get(key) != _PUBLISHED:
        if app.redis.set(key, "claimed", nx=True, ex=_CLAIM_S):
            publish()
            app.redis.set(key, _PUBLISHED)
        elif time.monotonic() > give_up_at:
            raise TimeoutError(f"another start of {job} is not getting through")
        else:
            time.sleep(0.02)


def is_started(app: PatternApp, job: str) -> bool:
    """Whether a start of this job has got as far as the broker."""
    return bool(app.redis.get(app.key("started", job)) == _PUBLISHED)


def start(app: PatternApp, job: str, given: Mapping[str, object]) -> None:
    # Like every pattern's start, this is called through `start_once` (engine.py).
    app.tasks["start.work"].apply_async((job, given["work_s"]), task_id=job)
