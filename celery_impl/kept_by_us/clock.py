"""When a housekeeping task is sent: what a server keeps as a schedule."""

import logging
from typing import Any

from celery.beat import Scheduler

from celery_impl.kept_by_us.application import ChangeoverApp
from celery_impl.kept_by_us.queues import BROKER_ERRORS

_log = logging.getLogger(__name__)


class Clock(Scheduler):  # type: ignore[misc]  # celery ships no types
    """Sends nothing whose last one still waits, so that nothing piles up while workers are down.

    A message's expiry would not do: it is looked at only by the worker that receives it. In
    memory, where Celery's own keeps a file: what is due is known from rows, and all is due at the
    start, which costs little. Any number of these may run.
    """

    def __init__(self, app: ChangeoverApp, **options: Any) -> None:
        self._queues = app.open_queues()
        super().__init__(app, **options)

    def apply_async(self, entry: Any, *args: Any, **options: Any) -> Any:
        """Send what is due, unless it waits already or nobody can tell."""
        try:
            if self._queues.waiting(entry.task):
                return None
        except BROKER_ERRORS as error:
            _log.warning("%s is not sent: %s", entry.task, error)
            return None
        return super().apply_async(entry, *args, **options)
