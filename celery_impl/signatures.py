"""A step of a job as a Celery signature."""

from typing import Any

from celery import Celery

Signature = Any  # celery ships no types


def task_id(job_id: str, step: str) -> str:
    """Return the id of a step's task.

    It is the step's own, so that a flow that is published twice is the same flow: a chord counts
    its members by id (celery/backends/redis.py, CHORD_PART_RETURN_LUA).
    """
    return f"{job_id}/{step}"


def step_of(task_id: str) -> str:
    """Return the step whose task has this id."""
    return task_id.partition("/")[2]


def step_signature(
    app: Celery, job_id: str, step: str, *index: int, task: str, errback: str
) -> Signature:
    """Return a step as an immutable signature that tells `errback` of its failure."""
    signature = app.tasks[task].si(job_id, *index).set(task_id=task_id(job_id, step))
    return signature.on_error(app.tasks[errback].si(job_id))
