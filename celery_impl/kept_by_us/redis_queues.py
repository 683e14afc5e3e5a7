"""Where Redis keeps a job's messages, read without taking any."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import redis

from celery_impl.kept_by_us.queues import BrokerFacts, HeldMessage
from shared.policy import Queue
from shared.settings import Settings

_SOCKET_TIMEOUT_S = 0.5

# kombu/transport/redis.py: `Channel.sep` and PRIORITY_STEPS; priority 0 has the plain name.
_PRIORITIES = ["", "\x06\x163", "\x06\x166", "\x06\x169"]


class RedisQueues:
    """`Queues` on Redis."""

    def __init__(self, url: str, settings: Settings) -> None:
        self._prefix = f"{settings.namespace}:"
        self.redis: Any = redis.Redis.from_url(
            url,
            socket_timeout=_SOCKET_TIMEOUT_S,
            socket_connect_timeout=_SOCKET_TIMEOUT_S,
            retry=None,
        )

    def messages_of(self, job_id: str) -> list[HeldMessage]:
        return [held for held in self._messages(job_id.encode()) if held.job_id == job_id]

    def steps(self) -> set[tuple[str, str]]:
        return {(held.job_id, held.step) for held in self._messages(b"")}

    def unnamed(self) -> Mapping[str, int]:
        return {}

    def waiting(self, queue: str) -> int:
        length: int = self.redis.llen(self._prefix + queue)
        return length

    def ping(self) -> None:
        self.redis.ping()

    def facts(self) -> BrokerFacts:
        info = self.redis.info()
        server = info.get("server_name", "redis")
        version = info.get("valkey_version") or info["redis_version"]
        return BrokerFacts(f"{server} {version}", self._persistence(info))

    def close(self) -> None:
        self.redis.close()

    def _persistence(self, info: dict[str, object]) -> str:
        try:
            config = self.redis.config_get("appendfsync", "save")
        except redis.ResponseError:  # managed servers forbid CONFIG
            config = {}
        if info["aof_enabled"]:
            return f"AOF, appendfsync {config.get('appendfsync', 'unknown')}"
        save = config.get("save", "unknown")
        return f"RDB, save {save}" if save else "none"

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
