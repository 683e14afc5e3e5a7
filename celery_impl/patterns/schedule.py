"""Schedules that may be paused, triggered and changed while several schedulers run.

Beat's own schedule is a file of one process, and "you have to ensure only a single scheduler is
running for a schedule at a time" (celery docs, userguide/periodic-tasks). Here every worker embeds
a beat, the entries are in Redis, and a due entry goes to the beat that moves it on.
"""

import json
import time
from typing import Any

from celery.beat import Scheduler
from celery.utils.log import get_logger
from redis import RedisError

from celery_impl.patterns.base import PatternApp, PatternTask, pattern_task
from shared.ports.patterns import Claim, Support

CLAIM = Claim(
    Support.BUILT,
    "Celery's own beat reads its entries once, from code or a file, and has neither pause nor "
    "trigger (celery docs, userguide/periodic-tasks, which names django-celery-beat for entries in "
    "a database): a `Scheduler` of our own keeps them in Redis.",
)

_MOVE_ON = """
if tonumber(redis.call('ZSCORE', KEYS[1], ARGV[1])) ~= tonumber(ARGV[2]) then return 0 end
redis.call('ZADD', KEYS[1], ARGV[3], ARGV[1])
return 1
"""
_log = get_logger(__name__)


class RedisScheduler(Scheduler):  # type: ignore[misc]  # celery ships no types
    """A scheduler of any number; each tick is published by one of them, or by none if it dies."""

    max_interval = 0.25
    _is_set_up = False

    def setup_schedule(self) -> None:
        """Do nothing yet: Redis may be down when beat starts."""

    def tick(self, *_: object, **__: object) -> float:
        try:
            if not self._is_set_up:
                for name, entry in self.app.conf.beat_schedule.items():
                    put(self.app, name, entry["schedule"], task=entry["task"], args=())
                self._is_set_up = True
            self._publish_due(time.time())
        except RedisError:
            _log.exception("beat cannot reach Redis and tries again")
        return float(self.max_interval)

    def _publish_due(self, now: float) -> None:
        redis, due = self.app.redis, self.app.key("due")
        for name, at in redis.zrangebyscore(due, 0, now, withscores=True):
            entry = json.loads(redis.hget(self.app.key("schedules"), name) or "null")
            if entry is None:
                redis.zrem(due, name)
                continue
            # What was missed is not made up for.
            next_at = at + entry["every_s"]
            after = next_at if next_at > now else now + entry["every_s"]
            if redis.eval(_MOVE_ON, 1, due, name, repr(at), repr(after)) and not entry["paused"]:
                self.send_task(entry["task"], entry["args"], expires=entry["every_s"])


@pattern_task("schedule.tick", ignore_result=True)
def tick(self: PatternTask, schedule: str) -> None:
    with self.attempt(schedule, "tick"):
        pass


def put(app: PatternApp, name: str, every_s: float, *, task: str, args: tuple[object, ...]) -> None:
    """Create an entry or change its period; it is due one period from now."""
    entry: dict[str, Any] = {"task": task, "args": args, "every_s": every_s, "paused": False}
    app.redis.hset(app.key("schedules"), name, json.dumps(entry))
    app.redis.zadd(app.key("due"), {name: time.time() + every_s})


def pause(app: PatternApp, name: str, *, paused: bool) -> None:
    entry = json.loads(app.redis.hget(app.key("schedules"), name))
    app.redis.hset(app.key("schedules"), name, json.dumps({**entry, "paused": paused}))


def trigger(app: PatternApp, name: str) -> None:
    entry = json.loads(app.redis.hget(app.key("schedules"), name))
    app.send_task(entry["task"], entry["args"])


def delete(app: PatternApp, name: str) -> None:
    app.redis.hdel(app.key("schedules"), name)
    app.redis.zrem(app.key("due"), name)
