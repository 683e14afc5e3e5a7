"""A batch of a thousand child jobs that the loss of a worker, or of a message, does not stop."""

import json
from collections.abc import Mapping

from celery_impl.patterns.base import PatternApp, PatternTask, pattern_task
from shared.ports.patterns import Claim, Support
from shared.workloads.pattern_steps import nap

CLAIM = Claim(
    Support.BUILT,
    "A chord would do, but on Redis a worker takes a message by BRPOP and only then notes it as "
    "unacknowledged (kombu/transport/redis.py): killed in between, it loses it, and the chord "
    "waits for ever. Beat publishes again what is missing once nothing moves. RabbitMQ keeps a "
    "message until it is acknowledged.",
    because_of="Redis",
)

SWEEP = {"task": "batch.sweep", "schedule": 1.0}


@pattern_task("batch.child", ignore_result=True)
def child(self: PatternTask, job: str, index: int, work_s: float) -> None:
    done = self.app.key("batch-done", job)
    if self.app.redis.sismember(done, index):
        return  # a copy of a message that was not lost
    with self.attempt(job, f"child/{index}"):
        nap(work_s)
    self.app.redis.sadd(done, index)


def stands_still(app: PatternApp, job: str, progress: int) -> bool:
    """Whether a job is new or has not moved for twice the detection budget; True to one caller."""
    key, patience_s = app.key("moved", job), round(2 * app.settings.detection_budget_s)
    before = app.redis.get(key)
    if before is None:
        return bool(app.redis.set(key, progress, nx=True, ex=patience_s))
    if int(before) != progress:
        app.redis.set(key, progress, ex=patience_s)
    return False


@pattern_task("batch.sweep", ignore_result=True)
def sweep(self: PatternTask) -> None:
    """Publish the children of new batches, and what is missing of those that stand still."""
    app = self.app
    for job, told in app.redis.hgetall(app.key("batches")).items():
        given, done = json.loads(told), app.redis.smembers(app.key("batch-done", job))
        if len(done) == given["n"]:
            app.backend.mark_as_done(job, len(done))
            app.redis.hdel(app.key("batches"), job)
        elif stands_still(app, job, len(done)):
            for index in {str(index) for index in range(given["n"])} - done:
                app.tasks["batch.child"].apply_async((job, int(index), given["work_s"]))


def start(app: PatternApp, job: str, given: Mapping[str, object]) -> None:
    app.redis.hset(app.key("batches"), job, json.dumps(given))
