"""Keeps a worker from taking a message before one of its children can run it."""

from typing import Any

from celery import bootsteps

_LOOK_EVERY_S = 0.05


class ReadyChildren(bootsteps.StartStopStep):  # type: ignore[misc]  # celery ships no types
    """Consumes only while a child is up: at the start, and after a child has died.

    Without it the parent takes its first message while the child still loads the model, and the
    message's visibility timeout runs meanwhile. The hook is the one that `worker_disable_prefetch`
    uses (celery/worker/consumer/tasks.py).
    """

    requires = ("celery.worker.consumer.tasks:Tasks",)

    def start(self, consumer: Any) -> None:
        """Wrap the channel's own answer, which counts unacknowledged messages."""
        qos = getattr(consumer.task_consumer.channel, "qos", None)
        if qos is None:
            _consume_when_ready(consumer)
            return
        may_consume = qos.can_consume
        qos.can_consume = lambda: _a_child_is_up(consumer.pool) and may_consume()


def _consume_when_ready(consumer: Any) -> None:
    """On RabbitMQ, which sends what it has as soon as somebody consumes, begin later.

    At the start only: to a worker whose child has died the next message is on its way already.
    """
    tasks = consumer.task_consumer
    begin = tasks.consume

    def consume(no_ack: bool | None = None) -> None:
        if consumer.task_consumer is not tasks:  # connected anew meanwhile
            return
        if _a_child_is_up(consumer.pool):
            begin(no_ack)
        else:
            consumer.hub.call_later(_LOOK_EVERY_S, consume, no_ack)

    tasks.consume = consume


def _a_child_is_up(pool: Any) -> bool:
    # celery/concurrency/asynpool.py: a child leaves `_waiting_to_start` once it has reported
    # WORKER_UP, which it does after `worker_process_init`.
    processes = pool._pool
    if processes is None:  # the pool is gone before the consumer, in a cold shutdown
        return False
    return any(child not in processes._waiting_to_start for child in processes._pool)
