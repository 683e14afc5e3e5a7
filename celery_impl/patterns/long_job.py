"""A very long job: slice after slice, each publishing the next."""

import json
from collections.abc import Mapping
from contextlib import suppress

from celery.exceptions import Ignore
from redis.exceptions import LockError

from celery_impl.patterns.base import PatternApp, PatternTask, pattern_task
from celery_impl.patterns.batch import stands_still
from shared.domain.status import RecordKind
from shared.ports.patterns import Claim, Support

CLAIM = Claim(
    Support.BUILT,
    "A task keeps nothing when its worker dies: the cursor is ours, on any broker. On Redis a task "
    "must also end before the visibility timeout or it runs twice (celery docs, "
    "getting-started/backends-and-brokers/redis): so it does a slice and publishes the next, and a "
    "lost message is noticed by beat, one too many by a lock.",
)

SWEEP = {"task": "long_job.sweep", "schedule": 1.0}
_SLICE = 50


@pattern_task("long_job.slice")
def run_slice(self: PatternTask, job: str, iterations: int) -> int:
    redis, cursor = self.app.redis, self.app.key("cursor", job)
    # It expires before the message of a killed holder comes back.
    lock = redis.lock(self.app.key("lock", job), timeout=self.app.profile.visibility_timeout_s / 2)
    if not lock.acquire(blocking=False):
        raise Ignore  # handed out again, while another slice is at work
    done = int(redis.get(cursor) or 0)
    with self.attempt(job, "iteration") as this:
        for number in range(done + 1, min(done + _SLICE, iterations) + 1):
            this.record(RecordKind.PROGRESS, done=number, total=iterations)
            redis.set(cursor, number)
            done = number
    if done == iterations:
        redis.hdel(self.app.key("long-jobs"), job)
        return done
    with suppress(LockError):  # it may have expired, and then another slice may be at work
        lock.release()
    self.apply_async((job, iterations), task_id=job)
    raise Ignore


@pattern_task("long_job.sweep", ignore_result=True)
def sweep(self: PatternTask) -> None:
    """Publish the first slice of new jobs, and the next of those that stand still."""
    app = self.app
    for job, told in app.redis.hgetall(app.key("long-jobs")).items():
        if stands_still(app, job, int(app.redis.get(app.key("cursor", job)) or 0)):
            iterations = json.loads(told)["iterations"]
            app.tasks["long_job.slice"].apply_async((job, iterations), task_id=job)


def start(app: PatternApp, job: str, given: Mapping[str, object]) -> None:
    app.redis.hset(app.key("long-jobs"), job, json.dumps(given))
