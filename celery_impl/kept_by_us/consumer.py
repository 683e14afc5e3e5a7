"""A consumer that is back soon after its broker is.

Celery's waits 2, 4, 6 and so on up to 30 s between two tries (celery/worker/consumer/consumer.py,
`ensure_connected`; kombu/connection.py, `_ensure_connection`), and no setting changes that: after a
minute's outage its worker may take nothing for another 16 s.
"""

from functools import partial
from typing import Any

from celery.worker.consumer import Consumer

from celery_impl.profile import RECONNECT_EVERY_S


class SteadyConsumer(Consumer):  # type: ignore[misc]  # celery ships no types
    """Tries to connect once a second."""

    def ensure_connected(self, conn: Any) -> Any:
        """Return the connection once there is one."""
        conn.ensure_connection = partial(
            conn.ensure_connection,
            interval_start=RECONNECT_EVERY_S,
            interval_step=0.0,
            interval_max=RECONNECT_EVERY_S,
        )
        return super().ensure_connected(conn)
