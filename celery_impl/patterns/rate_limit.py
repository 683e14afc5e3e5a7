"""No more than so many starts a second, over all workers."""

import time
from collections.abc import Mapping

from celery_impl.patterns.base import PatternApp, PatternTask, pattern_task
from shared.ports.patterns import Claim, Support

CLAIM = Claim(
    Support.BUILT,
    "`rate_limit` is per worker instance, not global (celery docs, userguide/tasks, "
    "Task.rate_limit): each task reserves its time in Redis and comes back then.",
)

_RESERVE = """
local at = math.max(tonumber(ARGV[1]), tonumber(redis.call('GET', KEYS[1]) or '0'))
redis.call('SET', KEYS[1], string.format('%.6f', at + 1 / tonumber(ARGV[2])))
return string.format('%.6f', at)
"""


@pattern_task("rate_limit.limited", max_retries=None)
def limited(self: PatternTask, job: str, per_s: float, at: float | None = None) -> None:
    if at is None:
        key = self.app.key("rate-limit")
        at = float(self.app.redis.eval(_RESERVE, 1, key, time.time(), per_s))
    if (wait_s := at - time.time()) > 0:
        # A countdown above the visibility timeout would be handed out twice.
        countdown = min(wait_s, self.app.profile.visibility_timeout_s / 2)
        raise self.retry(args=(job, per_s, at), countdown=countdown)
    with self.attempt(job, "limited"):
        pass


def start(app: PatternApp, job: str, given: Mapping[str, object]) -> None:
    app.tasks["rate_limit.limited"].apply_async((job, given["per_s"]), task_id=job)
