"""What a worker knows of its child's death, told to whoever does the step again.

Celery's main process sees its child die at once and publishes the step anew
(`task_retry_on_worker_lost`), but the dead child still holds the step's lease in SQL, for half a
detection budget since its last progress. A header of the retry names the child, and the next
attempt gives that lease back: it need not wait, wherever it runs.
"""

import time
from typing import Any

from celery.worker.request import Request

from celery_impl.kept_by_us.application import ChangeoverApp
from shared.attempt import owner_of
from shared.ports.idempotency import LostProcess

HEADER = "lost_child"


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


def lost_child(request: Any) -> LostProcess | None:
    """Return the process that a task's request says is dead, None if it says nothing."""
    named = request.get(HEADER)
    return LostProcess(**named) if named else None
