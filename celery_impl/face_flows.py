"""The face session as a canvas, in pieces: a broker cannot wait, so what waits is a row in SQL.

Open; compare, once both files are there; save, notify and close, once the answer is clear; or
close at once, after a deadline or a cancel. Whoever ends a wait has the next piece published, with
ids that are the steps' own, so that a repeat is the same piece. (`Task.replace`, Celery's way to
branch, gives the replacement the id of what it replaces: celery/app/task.py.)
"""

from collections.abc import Collection

from celery import Celery, chain

from celery_impl.signatures import Signature, step_signature
from celery_impl.workload import CeleryWorkload, JobState
from shared.domain.status import JobStatus
from shared.policy import (
    CLOSE_SESSION,
    COMPARE_FACES,
    NOTIFY_USER,
    OPEN_SESSION,
    SAVE_RESULT,
)
from shared.workloads.face_similarity import workload

NOTIFY_SESSION_USER = "notify_session_user"
"""The task of a session's `notify_user`: that name is the image job's task."""

_LAST_PIECE = (SAVE_RESULT, NOTIFY_USER, CLOSE_SESSION)


def session_flow(app: Celery, job_id: str, first_step: str) -> Signature:
    """Return the piece that begins with `first_step`; a step that fails closes the session."""
    steps: tuple[str, ...] = (first_step,)
    if first_step in _LAST_PIECE:
        steps = _LAST_PIECE[_LAST_PIECE.index(first_step) :]
    return chain(*(_step(app, job_id, step) for step in steps), app=app)


def _step(app: Celery, job_id: str, step: str) -> Signature:
    task = NOTIFY_SESSION_USER if step == NOTIFY_USER else step
    return step_signature(app, job_id, step, task=task, errback=CLOSE_SESSION)


def _flow(
    app: Celery,
    job_id: str,
    _job: JobState,
    first_step: str,
    _done: Collection[str],
) -> Signature:
    return session_flow(app, job_id, first_step)


def _next_step(job: JobState, _done: Collection[str]) -> str:
    if job.ending:
        return CLOSE_SESSION
    # Of a session's steps one at a time is under way; the last to begin may have ended.
    return OPEN_SESSION if job.status is JobStatus.ACCEPTED else job.step or OPEN_SESSION


FACES = CeleryWorkload(
    workload=workload.FACES,
    task_module="celery_impl.face_tasks",
    first_step=OPEN_SESSION,
    flow=_flow,
    next_step=_next_step,
    steps=lambda _job: (OPEN_SESSION, COMPARE_FACES, *_LAST_PIECE),
    input_wait_s=lambda settings: settings.input_deadline_s,
    renamed_tasks={NOTIFY_SESSION_USER: NOTIFY_USER},
)
