"""A consumer on RabbitMQ: it finds every queue there, and waits for no event to be confirmed."""

from typing import Any

from celery_impl.kept_by_us.consumer import SteadyConsumer


class RabbitConsumer(SteadyConsumer):
    """Declares every queue as it connects; its connection for events confirms nothing."""

    def connect(self) -> Any:
        """Return the connection to consume from, with every queue declared.

        A worker declares its own queues only, and then fails to bind those of the other role that
        no worker has declared yet (celery/worker/consumer/delayed_delivery.py, `_bind_queues`).
        """
        connection = super().connect()
        with connection.channel() as channel:
            for queue in self.app.amqp.queues.values():
                queue.bind(channel).declare()
        return connection

    def connection_for_write(self, url: str | None = None, heartbeat: float | None = None) -> Any:
        """Return the connection of the events, which may be lost and never wait for the broker.

        RabbitMQ confirms nothing while an alarm of memory or disk lasts. This process would wait
        for it with every event, and send no heartbeats meanwhile on the connection it consumes
        from, which the broker would then close.
        """
        connection = self.app.connection_for_write(url=url, heartbeat=heartbeat)
        connection.transport_options = {**connection.transport_options, "confirm_publish": False}
        return self.ensure_connected(connection)
