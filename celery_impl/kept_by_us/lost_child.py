"""A child's death: seen soon, and told to whoever does the step again.

Celery's main process looks for dead children when a pipe of theirs closes. The kernel closes it a
moment before it lets the parent know of the death, so that on a busy machine the look may come too
early; the next one is up to 5 s later (celery/concurrency/asynpool.py, `_event_process_exit` and
`timers`).

What it sees it publishes anew (`task_retry_on_worker_lost`), but the dead child still holds the
step's lease in SQL, for half a detection budget since its last progress. A header of the retry
names the child, and the next attempt gives that lease back: it need not wait, wherever it runs.
"""

import time
from typing import Any

from celery import bootsteps
from celery.worker.request import Request

from celery_impl.kept_by_us.application import ChangeoverApp
from celery_impl.profile import CeleryProfile
from shared.ports.idempotency import LostProcess
from shared.worker_ports import owner_of

HEADER = "lost_child"
LOOK_EVERY_S = 0.5


class LooksForLostChildren(bootsteps.StartStopStep):  # type: ignore[misc]  # celery ships no types
    """Looks every half second, which costs a system call a child."""

    requires = ("celery.worker.components:Pool",)

    def register_with_event_loop(self, worker: Any, hub: Any) -> None:
        """Called each time that the worker has connected; Celery ends what it was before."""
        hub.call_repeatedly(LOOK_EVERY_S, worker.pool.maintain_pool)


class StepRequest(Request):  # type: ignore[misc]  # celery ships no types
    """A step in the hands of a worker's main process (celery docs, userguide/tasks, Custom
    Requests).
    """

    app: ChangeoverApp

    def on_failure(self, exc_info: Any, *args: Any, **options: Any) -> Any:
        """Name the child in what is published of this request from now on.

        The request's own headers go with it (celery/app/task.py, `Context.as_execution_options`).
        Where its child is alive, nothing is.
        """
        if self.app.profile.takes_over and self.worker_pid:
            owner = owner_of(self.app.settings.worker_name, self.worker_pid)
            self.request_dict[HEADER] = {"owner": owner, "lost_at_s": time.time()}
        return super().on_failure(exc_info, *args, **options)


def last_holder(request: Any, profile: CeleryProfile) -> LostProcess | None:
    """Return whoever had a message that is handed out again, None if that proves nothing.

    RabbitMQ takes a message from a worker only once the connection to it is gone. A worker that was
    merely cut off goes on all the same: the fence keeps it from storing anything, and it stops at
    the next sign of progress.
    """
    if profile.takes_over_redelivered and request.delivery_info.get("redelivered"):
        return LostProcess(owner="", lost_at_s=time.time())
    return lost_child(request)


def lost_child(request: Any) -> LostProcess | None:
    """Return the process that a task's request says is dead, None if it says nothing."""
    named = request.get(HEADER)
    return LostProcess(**named) if named else None
