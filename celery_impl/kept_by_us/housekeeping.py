"""What has to be done now and then, as no server does it: beat sends these to the CPU workers.

All of it may be done twice, at once, or late. Each task has a queue of its own, so that it waits
behind no backlog of steps, and so that beat can see whether the last one has been taken.
"""

import logging
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from typing import Any

from celery import Task, shared_task

from celery_impl.kept_by_us.application import ChangeoverApp
from celery_impl.kept_by_us.running import Running
from shared.workloads.face_similarity import session
from shared.workloads.face_similarity.workload import FACES

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
    app: ChangeoverApp


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
    """Publish again, from what is in SQL, whatever the broker has lost.

    A worker takes a message off its queue before it stores its unacknowledged copy, one that dies
    after it has counted a chord's last member may leave the body unpublished, and a broker may
    come back without its last second; RabbitMQ drops one that was handed out too often. What counts
    as lost is in no queue and in no worker's hands, although it was published a detection budget
    ago and has not begun, or although its job has stood still for longer than any message stays
    with a dead worker. While messages wait that may be any job's, none is missed yet: RabbitMQ does
    not say whose they are. If a worker has it all the same, the repeat does no harm: finished steps
    return what they have stored.
    """
    app, now_s = self.app, time.time()
    unseen = app.publications.unseen_since(now_s - app.settings.detection_budget_s)
    unmoved = app.states.unmoved_since(now_s - app.profile.redelivered_within_s)
    if not unseen and not unmoved:
        return
    with closing(app.open_queues()) as queues:
        if any(queues.unnamed().values()):
            return
        held = queues.steps()
    for lost in (each for each in unseen if (each.job_id, each.step) not in held):
        _log.warning("job %s: the message of %s is gone", lost.job_id, lost.step)
        app.publications.retract(lost)
        app.publisher.publish_or_leave(lost.job_id)
    running = Running(app.runtime.ledger, app.runtime.workers)
    announced = {each.job_id for each in unseen}
    for job_id in set(unmoved) - announced - {job_id for job_id, _ in held}:
        if not app.publications.of_job(job_id) and not running.of_job(job_id):
            _log.warning("job %s stands still", job_id)
            app.publisher.go_on(job_id)


@_task(PURGE_UPLOADS)
def purge_uploads(self: HousekeepingTask) -> None:
    """Remove the files of sessions that have been over for the time of retention."""
    parts = self.app.runtime.of(FACES)
    before_s = time.time() - self.app.settings.upload_retention_s
    purged = session.purge_uploads(parts.uploads, parts.upload_store, before_s)
    _log.info("%d uploads purged", purged)
