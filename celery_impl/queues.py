"""Where Redis keeps a job's messages, read without taking any."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from shared.policy import Queue

# kombu/transport/redis.py: `Channel.sep` and PRIORITY_STEPS; priority 0 has the plain name.
_PRIORITIES = ["", "\x06\x163", "\x06\x166", "\x06\x169"]


@dataclass(frozen=True, slots=True)
class HeldMessage:
    """A message of a job: in a queue, or delivered at `delivered_at_s` and not acknowledged."""

    step: str
    queue: str
    delivered_at_s: float | None
    eta: str | None
    redelivered: bool


def messages_of(redis: Any, prefix: str, job_id: str) -> list[HeldMessage]:
    """Return every message that a worker may still be given or give back.

    Reads the whole queues and the whole unacked hash, in one transaction so that a message on its
    way between them is not overlooked.
    """
    pipe = redis.pipeline(transaction=True)
    names = [queue.value + priority for queue in Queue for priority in _PRIORITIES]
    for name in names:
        pipe.lrange(prefix + name, 0, -1)
    pipe.hgetall(f"{prefix}unacked")
    pipe.zrange(f"{prefix}unacked_index", 0, -1, withscores=True)
    *queues, unacked, index = pipe.execute()
    delivered_at = dict(index)
    held = list(_waiting(queues, job_id))
    for tag, raw in unacked.items():
        if job_id.encode() in raw:
            # QoS.append: [message, exchange, routing key]; the key is the queue's name.
            message, _, queue = json.loads(raw)
            held += _held(message, queue, job_id, delivered_at.get(tag))
    return held


def _waiting(queues: Sequence[Sequence[bytes]], job_id: str) -> Iterator[HeldMessage]:
    for raw in (raw for queue in queues for raw in queue if job_id.encode() in raw):
        message = json.loads(raw)
        yield from _held(
            message, message["properties"]["delivery_info"]["routing_key"], job_id, None
        )


def _held(
    message: dict[str, Any], queue: str, job_id: str, delivered_at_s: float | None
) -> list[HeldMessage]:
    # Headers are plain JSON, whatever the encoding of the body. An errback has an id of its own
    # and its failed task as its parent.
    headers = message["headers"]
    owner, _, step = headers["id"].partition("/")
    if owner != job_id and not (headers.get("parent_id") or "").startswith(job_id):
        return []
    return [
        HeldMessage(
            step=step or headers["task"],
            queue=queue,
            delivered_at_s=delivered_at_s,
            eta=headers.get("eta"),
            redelivered=bool(headers.get("redelivered")),
        )
    ]
