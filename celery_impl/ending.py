"""Ends a worker that cannot stop by itself, so that whoever supervises it can start another."""

import logging
import os
import threading
from typing import Any

from celery import bootsteps
from celery.platforms import EX_FAILURE

_log = logging.getLogger(__name__)


class EndsInTime(bootsteps.StartStopStep):  # type: ignore[misc]  # celery ships no types
    """Gives a stop that nobody asked for the grace of one that was asked for, and no longer.

    After an error that it cannot recover from, as when kombu closes a channel twice while its
    server goes (kombu/transport/redis.py, `_connparams`), a worker waits without a limit for the
    tasks that it runs (celery/worker/worker.py, `stop`), and those may be waiting for that server.
    It would neither take messages nor end. What its children held is handed out again.
    """

    requires = ("celery.worker.components:Pool",)

    def __init__(self, worker: Any, **options: Any) -> None:
        super().__init__(worker, **options)
        self._grace_s: float = worker.app.settings.stop_grace_s

    def stop(self, _: Any) -> None:
        """Begin to count; the pool is stopped after this."""
        timer = threading.Timer(self._grace_s, self._end)
        timer.daemon = True
        timer.start()

    terminate = stop

    def _end(self) -> None:
        _log.critical("still not stopped after %g s: this worker ends now", self._grace_s)
        os._exit(EX_FAILURE)
