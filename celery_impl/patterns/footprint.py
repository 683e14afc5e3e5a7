"""How much Redis keeps of a job."""

from celery_impl.patterns.base import PatternApp

_QUEUES = ("cpu", "gpu")


def size_of(app: PatternApp, job: str) -> int:
    """Return the bytes of a job's keys and of its messages, waiting or unacknowledged."""
    redis, prefix = app.redis, f"{app.settings.namespace}:"
    messages = [held for queue in _QUEUES for held in redis.lrange(f"{prefix}{queue}", 0, -1)]
    messages += redis.hvals(f"{prefix}unacked")
    keys = [key for key in redis.scan_iter(f"{prefix}*") if job in key]
    return sum(len(held) for held in messages if job in held) + sum(
        redis.memory_usage(key) or 0 for key in keys
    )
