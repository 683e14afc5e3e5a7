"""The messages of jobs, read without taking any: what every broker can say of them.

Redis shows every message to whoever reads its keys. RabbitMQ shows none without handing it out,
which it counts as a delivery: it says how many wait, and no more.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import redis
from amqp.exceptions import AMQPError
from kombu.exceptions import OperationalError

BROKER_ERRORS = (OperationalError, AMQPError, redis.RedisError, ConnectionError, TimeoutError)
"""What reading or publishing raises while the broker does not answer."""


@dataclass(frozen=True, slots=True)
class HeldMessage:
    """A message of a job: in a queue, or delivered at `delivered_at_s` and not acknowledged."""

    job_id: str
    step: str
    queue: str
    delivered_at_s: float | None
    eta: str | None
    redelivered: bool


@dataclass(frozen=True, slots=True)
class BrokerFacts:
    """What a broker is, and what it keeps across its own end."""

    server: str
    persistence: str


class Queues(Protocol):
    """The messages of one environment; every method raises one of `BROKER_ERRORS`, in time."""

    def messages_of(self, job_id: str) -> list[HeldMessage]:
        """Return every message of a job that can be read, in a queue or unacknowledged."""
        ...

    def steps(self) -> set[tuple[str, str]]:
        """Return the job and the step of every message that can be read."""
        ...

    def unnamed(self) -> Mapping[str, int]:
        """Return how many messages wait of which nobody can say whose they are, by queue."""
        ...

    def waiting(self, queue: str) -> int:
        """Return how many messages lie in a queue that knows no priorities."""
        ...

    def ping(self) -> None:
        """Return if the broker answers."""
        ...

    def facts(self) -> BrokerFacts:
        """Return what the broker is."""
        ...

    def close(self) -> None:
        """Release the connections."""
        ...
