"""How many messages wait in RabbitMQ, by passive declares, as any client may make them."""

import threading
from collections.abc import Callable, Mapping
from contextlib import closing
from typing import Any, TypeVar

from amqp.exceptions import NotFound
from kombu.connection import Connection
from kombu.transport.native_delayed_delivery import level_name

from celery_impl.kept_by_us.queues import BROKER_ERRORS, BrokerFacts, HeldMessage
from shared.policy import POLICIES, Queue
from shared.settings import Settings

T = TypeVar("T")

_ANSWER_WITHIN_S = 0.5
_DELAYED = [
    level_name(level)
    for level in range(int(max(p.maximum_interval_s for p in POLICIES.values())).bit_length())
]
"""Where a retry waits for its time: one queue for each bit of the seconds."""


def queue_name(settings: Settings, name: str) -> str:
    """Return the name that a queue of this environment has at the broker."""
    return f"{settings.namespace}.{name}"


class RabbitQueues:
    """`Queues` on RabbitMQ. One connection, which is made again after an error."""

    def __init__(self, url: str, settings: Settings) -> None:
        self._settings = settings
        self._turn = threading.Lock()
        self._connection: Any = Connection(  # type: ignore[no-untyped-call]
            url,
            connect_timeout=_ANSWER_WITHIN_S,
            transport_options={
                "read_timeout": _ANSWER_WITHIN_S,
                "write_timeout": _ANSWER_WITHIN_S,
            },
        )

    def messages_of(self, job_id: str) -> list[HeldMessage]:  # noqa: ARG002
        return []

    def steps(self) -> set[tuple[str, str]]:
        return set()

    def unnamed(self) -> Mapping[str, int]:
        # A countdown's queues are those of all environments on this broker.
        names = {queue.value: queue_name(self._settings, queue.value) for queue in Queue}
        names |= {name: name for name in _DELAYED}
        return self._ask(lambda: {said: self._ready(name) for said, name in names.items()})

    def waiting(self, queue: str) -> int:
        return self._ask(lambda: self._ready(queue_name(self._settings, queue)))

    def ping(self) -> None:
        # Anything that takes an answer: an open socket is no proof.
        self._ask(lambda: self._ready(queue_name(self._settings, Queue.CPU.value)))

    def facts(self) -> BrokerFacts:
        self.ping()
        return self._ask(self._facts)

    def close(self) -> None:
        with self._turn:
            self._connection.release()

    def _facts(self) -> BrokerFacts:
        said = self._connection.connection.server_properties
        server = f"{said.get('product', 'AMQP').lower()} {said.get('version', '')}".strip()
        return BrokerFacts(server, "quorum queues, synced before each confirm")

    def _ready(self, name: str) -> int:
        """Return how many messages of a queue are ready; 0 where no worker has declared it yet."""
        with closing(self._connection.channel()) as channel:
            try:
                return int(channel.queue_declare(name, passive=True).message_count)
            except NotFound:
                return 0

    def _ask(self, read: Callable[[], T]) -> T:
        # py-amqp's connections are not safe to share between threads at once. Whoever waits holds
        # a thread, which those need that ask nothing of the broker.
        if not self._turn.acquire(timeout=_ANSWER_WITHIN_S):
            raise TimeoutError("others have waited for its answer too")
        try:
            try:
                return read()
            except TimeoutError:
                self._connection.collect()
                raise
            except BROKER_ERRORS:
                self._connection.collect()
            # It may have been the broker's restart that the old connection did not survive.
            try:
                return read()
            except BROKER_ERRORS:
                self._connection.collect()
                raise
        finally:
            self._turn.release()
