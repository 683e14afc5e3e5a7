"""What has to be done now and then, as no server does it: beat sends these to the CPU workers.

All of it may be done twice, at once, or late. Each task has a queue of its own, so that it waits
behind no backlog of steps, and so that beat can see whether the last one has been taken.
"""

import logging
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from typing import TYPE_CHECKING, Any

from celery import Task, shared_task

from celery_impl.queues import Queues
from shared.workloads import face_session

if TYPE_CHECKING:
    from celery_impl.app import ChangeoverApp

SWEEP = "sweep"
RECOVER = "recover"
PURGE_UPLOADS = "purge_uploads"
HOUSEKEEPING = (SWEEP, RECOVER, PURGE_UPLOADS)

_log = logging.getLogger(__name__)
_TELL_OF_EACH_TASK = ("celery.beat", "celery.worker.strategy", "celery.app.trace")


def keep_sweeps_out_of_the_log() -> None:
    """Log of a sweep, which is done every second, only what goes wrong."""
    for name in _TELL_OF_EACH_TASK:
        logging.getLogger(name).addFilter(_is_worth_a_line)


def _is_worth_a_line(record: logging.LogRecord) -> bool:
    names = record.args.values() if isinstance(record.args, Mapping) else record.args or ()
    return record.levelno > logging.INFO or SWEEP not in names


class HousekeepingTask(Task):  # type: ignore[misc]  # celery ships no types
    """A task of no job."""

    abstract = True
    app: "ChangeoverApp"


def _task(name: str) -> Callable[[Callable[..., None]], Any]:
    register: Callable[[Callable[..., None]], Any] = shared_task(
        bind=True, base=HousekeepingTask, name=name
    )
    return register


@_task(SWEEP)
def sweep(self: HousekeepingTask) -> None:
    """End the waits whose deadline has passed; publish what a dead process had announced."""
    for job_id in self.app.sessions.expire():
        _log.info("job %s waited until its deadline", job_id)
    for job_id in self.app.publications.left_behind():
        self.app.publisher.publish_or_leave(job_id)


@_task(RECOVER)
def recover(self: HousekeepingTask) -> None:
    """Publish again what the broker has lost before a worker began it.

    A worker takes a message off its queue before it stores its unacknowledged copy, and a broker
    may come back without its last second. Only what has been published for a detection budget
    and is nowhere in Redis counts as lost; if a worker has it all the same, the repeat does no
    harm.
    """
    before_s = time.time() - self.app.settings.detection_budget_s
    unseen = self.app.publications.unseen_since(before_s)
    if not unseen:
        return
    with closing(Queues(self.app.settings)) as queues:
        held = queues.steps()
    for lost in (each for each in unseen if (each.job_id, each.step) not in held):
        _log.warning("job %s: the message of %s is gone", lost.job_id, lost.step)
        self.app.publications.retract(lost)
        self.app.publisher.publish_or_leave(lost.job_id)


@_task(PURGE_UPLOADS)
def purge_uploads(self: HousekeepingTask) -> None:
    """Remove the files of sessions that have been over for the time of retention."""
    runtime = self.app.runtime
    before_s = time.time() - runtime.settings.upload_retention_s
    purged = face_session.purge_uploads(runtime.uploads, runtime.upload_store, before_s)
    _log.info("%d uploads purged", purged)
