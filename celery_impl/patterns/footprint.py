"""How much Redis keeps of a job."""

import json

from celery_impl.patterns.base import PatternApp

_QUEUES = ("cpu", "gpu")


def size_of(app: PatternApp, job: str) -> int:
    """Return the bytes of a job's keys and messages, waiting or unacknowledged."""
    redis, prefix = app.redis, f"{app.settings.namespace}:"
    keys = [key for key in redis.scan_iter(f"{prefix}*") if job in key]
    raw = [message for queue in _QUEUES for message in redis.lrange(f"{prefix}{queue}", 0, -1)]
    raw += redis.hvals(f"{prefix}unacked")
    held = sum(len(message) for message in raw if json.dumps(job)[1:-1] in message)
    return held + sum(redis.memory_usage(key) or 0 for key in keys)
