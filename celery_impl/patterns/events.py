"""Wait for outside events until a deadline, with no message that waits.

A countdown above the visibility timeout would be handed out again and again (celery docs,
getting-started/backends-and-brokers/redis, Visibility timeout), so beat looks for what is overdue.
"""

import json
import time
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from celery_impl.patterns.base import PatternApp, PatternTask, pattern_task
from celery_impl.patterns.idempotent_start import start_once
from shared.ports.patterns import Claim, Support

CLAIM = Claim(
    Support.BUILT,
    "A task cannot wait without holding a worker's slot, and there is nothing to send an event to "
    "(celery docs, userguide/canvas): events, deadlines and verdicts are rows in Redis, and beat "
    "sweeps the deadlines: on Redis a countdown above the visibility timeout runs again and again.",
)

TIMED_OUT = "TIMED_OUT"
SWEEP = {"task": "events.sweep", "schedule": 1.0}


@pattern_task("events.after")
def after(self: PatternTask, job: str, arrived: dict[str, object]) -> dict[str, object]:
    with self.attempt(job, "after"):
        return arrived


def start(app: PatternApp, job: str, given: Mapping[str, Any]) -> None:
    wait_for(app, job, given["names"], given["deadline_s"], then="events.after")


def wait_for(
    app: PatternApp, job: str, names: Sequence[str], deadline_s: float, *, then: str
) -> None:
    """Run the task `then`, which gets the events, once all have come, or time the job out."""
    deadline = time.time() + deadline_s
    wait = {"names": json.dumps(names), "deadline": deadline, "then": then}
    app.redis.hset(app.key("wait", job), mapping=wait)
    app.redis.zadd(app.key("deadlines"), {job: deadline})
    # An event may have been here before.
    app.tasks["events.settle"].apply_async((job,))


def send(app: PatternApp, job: str, event: str, value: object) -> None:
    """Keep the first value of an event, with its time."""
    came = json.dumps({"value": value, "at": time.time()})
    app.redis.hsetnx(app.key("events", job), event, came)
    # Also for a repeat: whoever sent it first may have died before this.
    app.tasks["events.settle"].apply_async((job,))


@pattern_task("events.settle", ignore_result=True)
def settle(self: PatternTask, job: str) -> None:
    """Decide whether the wait is over, once, and act on what has been decided, also once."""
    app, key = self.app, self.app.key("wait", job)
    wait = app.redis.hgetall(key)
    if not wait:
        return
    came = {
        name: json.loads(told) for name, told in app.redis.hgetall(app.key("events", job)).items()
    }
    deadline = float(wait["deadline"])
    arrived = {name: came[name]["value"] for name in sorted(came) if came[name]["at"] <= deadline}
    complete = arrived.keys() >= set(json.loads(wait["names"]))
    if not complete and time.time() <= deadline:
        return
    app.redis.hsetnx(key, "verdict", json.dumps([complete, arrived]))
    complete, arrived = json.loads(app.redis.hget(key, "verdict"))
    if complete:
        publish = partial(app.tasks[wait["then"]].apply_async, (job, arrived), task_id=job)
        start_once(app, f"{job}/{wait['then']}", publish)
    else:
        app.backend.store_result(job, arrived, TIMED_OUT)
    app.redis.zrem(app.key("deadlines"), job)


@pattern_task("events.sweep", ignore_result=True)
def sweep(self: PatternTask) -> None:
    """Settle every job whose deadline has passed; published by beat."""
    for job in self.app.redis.zrangebyscore(self.app.key("deadlines"), 0, time.time()):
        self.app.tasks["events.settle"].apply((job,), throw=True)
