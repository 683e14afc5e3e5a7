"""The image job as a canvas: reserve, fan out, fan in, capture, notify; or compensate."""

from collections.abc import Collection

from celery import Celery, chain, chord

from celery_impl.signatures import Signature, step_signature, task_id
from celery_impl.workload import CeleryWorkload, JobState
from shared.codec import from_json
from shared.domain.jobs import ImageJob
from shared.policy import (
    ASSEMBLE,
    CAPTURE_CREDITS,
    GENERATE_IMAGE,
    NOTIFY_USER,
    RELEASE_CREDITS,
    RESERVE_CREDITS,
)
from shared.workloads.image_generation import workload
from shared.workloads.image_generation.steps import generate_step

# The worker that completes a chord claims its body for as long as publishing it may be retried
# (celery/backends/redis.py, _chord_publish_claim_expires). If it dies right then, the redelivered
# member must find the claim expired, so the body is retried less patiently than other tasks.
_BODY_PUBLISHING = {"max_retries": 3, "interval_start": 0, "interval_step": 0.2, "interval_max": 1}


def image_flow(app: Celery, job_id: str, n: int, done: Collection[str] = ()) -> Signature:
    """Return the whole job, or what is left of it once the steps `done` have a result in SQL.

    Each signature is immutable and has the compensation as its errback. Telling the user also
    ends the job, so that step is never left out.
    """
    missing = [i for i in range(n) if generate_step(i) not in done]
    parts = [] if RESERVE_CREDITS in done else [_step(app, job_id, RESERVE_CREDITS)]
    assemble = _step(app, job_id, ASSEMBLE).set(retry_policy=_BODY_PUBLISHING)
    if missing:
        # A chord of its own, which counts the missing members alone: the first one may have
        # published its body already, and would not do so again.
        members = [_step(app, job_id, GENERATE_IMAGE, i) for i in missing]
        parts.append(chord(members, assemble, app=app))
    elif ASSEMBLE not in done:
        parts.append(assemble)
    if CAPTURE_CREDITS not in done:
        parts.append(_step(app, job_id, CAPTURE_CREDITS))
    return chain(*parts, _step(app, job_id, NOTIFY_USER), app=app)


def next_image_step(n: int, done: Collection[str]) -> str:
    """Return the first step of what `image_flow` returns for the same steps."""
    steps = (RESERVE_CREDITS, *map(generate_step, range(n)), ASSEMBLE, CAPTURE_CREDITS)
    return next((step for step in steps if step not in done), NOTIFY_USER)


def compensation(app: Celery, job_id: str, failed_task: str) -> Signature:
    """Return the errback of `failed_task`, to be called once more."""
    errback = app.tasks[RELEASE_CREDITS].si(job_id)
    return errback.set(parent_id=failed_task, root_id=failed_task)


def notify_after_capture(app: Celery, job_id: str) -> Signature:
    """Return what is left of a job whose credits were captured before it failed."""
    return _step(app, job_id, NOTIFY_USER)


def _step(app: Celery, job_id: str, task: str, *index: int) -> Signature:
    step = generate_step(*index) if index else task
    return step_signature(app, job_id, step, *index, task=task, errback=RELEASE_CREDITS)


def _flow(
    app: Celery, job_id: str, job: JobState, first_step: str, done: Collection[str]
) -> Signature:
    if first_step == RELEASE_CREDITS:
        # The compensation that was claimed is the one to go on.
        return compensation(app, job_id, job.compensated_for or task_id(job_id, job.step or ""))
    return image_flow(app, job_id, from_json(ImageJob, job.request).n, done)


def _next_step(job: JobState, done: Collection[str]) -> str:
    if job.ending:
        return RELEASE_CREDITS
    return next_image_step(from_json(ImageJob, job.request).n, done)


def _fan_out(job: JobState) -> tuple[str, set[str]]:
    return RESERVE_CREDITS, set(map(generate_step, range(from_json(ImageJob, job.request).n)))


def _steps(job: JobState) -> tuple[str, ...]:
    members = map(generate_step, range(from_json(ImageJob, job.request).n))
    return (RESERVE_CREDITS, *members, ASSEMBLE, CAPTURE_CREDITS, NOTIFY_USER, RELEASE_CREDITS)


IMAGES = CeleryWorkload(
    workload=workload.IMAGES,
    task_module="celery_impl.image_tasks",
    first_step=RESERVE_CREDITS,
    flow=_flow,
    next_step=_next_step,
    steps=_steps,
    fan_out=_fan_out,
)
