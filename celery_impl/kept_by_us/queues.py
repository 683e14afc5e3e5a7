"""Where Redis keeps a job's messages, read without taking any."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import redis

from shared.policy import Queue
from shared.settings import Settings

_SOCKET_TIMEOUT_S = 0.5

# kombu/transport/redis.py: `Channel.sep` and PRIORITY_STEPS; priority 0 has the plain name.
_PRIORITIES = ["", "\x06\x163", "\x06\x166", "\x06\x169"]


@dataclass(frozen=True, slots=True)
class HeldMessage:
    """A message of a job: in a queue, or delivered at `delivered_at_s` and not acknowledged."""

    job_id: str
    step: str
    queue: str
    delivered_at_s: float | None
    eta: str | None
    redelivered: bool


class Queues:
    """The messages of one environment. `redis.RedisError` if Redis does not answer in time."""

    def __init__(self, settings: Settings) -> None:
        self._prefix = f"{settings.namespace}:"
        self.redis: Any = redis.Redis.from_url(
            settings.redis_url,
            socket_timeout=_SOCKET_TIMEOUT_S,
            socket_connect_timeout=_SOCKET_TIMEOUT_S,
            retry=None,
        )

    def messages_of(self, job_id: str) -> list[HeldMessage]:
        """Return every message of a job that a worker may still be given or give back."""
        return [held for held in self._messages(job_id.encode()) if held.job_id == job_id]

    def steps(self) -> set[tuple[str, str]]:
        """Return the job and the step of every message."""
        return {(held.job_id, held.step) for held in self._messages(b"")}

    def waiting(self, queue: str) -> int:
        """Return how many messages lie in a queue that knows no priorities."""
        length: int = self.redis.llen(self._prefix + queue)
        return length

    def close(self) -> None:
        """Release the connections."""
        self.redis.close()

    def _messages(self, about: bytes) -> Iterator[HeldMessage]:
        """Read the whole queues and the whole unacked hash, but parse only what is `about`.

        In one transaction, so that a message on its way between them is not overlooked.
        """
        pipe = self.redis.pipeline(transaction=True)
        names = [queue.value + priority for queue in Queue for priority in _PRIORITIES]
        for name in names:
            pipe.lrange(self._prefix + name, 0, -1)
        pipe.hgetall(f"{self._prefix}unacked")
        pipe.zrange(f"{self._prefix}unacked_index", 0, -1, withscores=True)
        *queues, unacked, index = pipe.execute()
        for raw in (raw for queue in queues for raw in queue if about in raw):
            message = json.loads(raw)
            yield _held(message, message["properties"]["delivery_info"]["routing_key"], None)
        delivered_at = dict(index)
        for tag, raw in unacked.items():
            if about in raw:
                # QoS.append: [message, exchange, routing key]; the key is the queue's name.
                message, _, queue = json.loads(raw)
                yield _held(message, queue, delivered_at.get(tag))


def _held(message: dict[str, Any], queue: str, delivered_at_s: float | None) -> HeldMessage:
    # Headers are plain JSON, whatever the encoding of the body. An errback has an id of its own
    # and its failed task as its parent.
    headers = message["headers"]
    job_id, _, step = headers["id"].partition("/")
    if not step:
        job_id = (headers.get("parent_id") or "").partition("/")[0]
    return HeldMessage(
        job_id=job_id,
        step=step or headers["task"],
        queue=queue,
        delivered_at_s=delivered_at_s,
        eta=headers.get("eta"),
        redelivered=bool(headers.get("redelivered")),
    )
