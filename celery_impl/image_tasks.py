"""The tasks of image jobs: one a step, each as thin as its step is shared.

Arguments are the job's id and an index, never data: requests, results and checkpoints are in SQL
and in the artifact store, where a redelivered message finds what its first delivery left.
"""

from collections.abc import Mapping

from celery_impl.image_flows import notify_after_capture
from celery_impl.signatures import task_id
from celery_impl.step_task import StepTask, step_task
from celery_impl.workload import JobState
from shared.codec import from_json, to_dict, to_json
from shared.domain.jobs import Artifact, GeneratedImage, ImageJob, ImageResult
from shared.domain.status import JobStatus
from shared.policy import (
    ASSEMBLE,
    CAPTURE_CREDITS,
    GENERATE_IMAGE,
    NOTIFY_USER,
    RELEASE_CREDITS,
    RESERVE_CREDITS,
)
from shared.ports.step_context import StepContext
from shared.workloads.image_generation import steps
from shared.workloads.image_generation.steps import generate_step
from shared.workloads.image_generation.workload import IMAGES


@step_task(RESERVE_CREDITS)
def reserve_credits(self: StepTask, job_id: str) -> None:
    """Reserve the credits, or refuse a job that the facade has rejected."""
    ports = self.app.runtime.of(IMAGES).ports
    self.run_step(
        job_id, RESERVE_CREDITS, lambda ctx, job: steps.reserve_credits(ctx, _job(job), ports), int
    )


@step_task(GENERATE_IMAGE)
def generate_image(self: StepTask, job_id: str, index: int) -> None:
    """Make one picture on the GPU."""
    parts = self.app.runtime.of(IMAGES)
    self.run_step(
        job_id,
        generate_step(index),
        lambda ctx, job: steps.generate_image(ctx, _job(job), index, parts.ports, parts.generator),
        GeneratedImage,
    )


@step_task(ASSEMBLE)
def assemble(self: StepTask, job_id: str) -> None:
    """Lay the pictures out on a contact sheet."""
    ports = self.app.runtime.of(IMAGES).ports

    def work(ctx: StepContext, state: JobState) -> Artifact:
        job = _job(state)
        images = _images(self.app.step_states.results(job_id), job.n)
        return steps.assemble(ctx, job, images, ports)

    self.run_step(job_id, ASSEMBLE, work, Artifact)


@step_task(CAPTURE_CREDITS)
def capture_credits(self: StepTask, job_id: str) -> None:
    """Capture the credits: the point of no return."""
    ports = self.app.runtime.of(IMAGES).ports
    self.run_step(
        job_id, CAPTURE_CREDITS, lambda ctx, job: steps.capture_credits(ctx, _job(job), ports), int
    )


@step_task(NOTIFY_USER)
def notify_user(self: StepTask, job_id: str) -> None:
    """Tell the user, and end the job."""
    self.run_step(job_id, NOTIFY_USER, lambda ctx, _: steps.notify_user(ctx), bool, closing=True)
    results = self.app.step_states.results(job_id)
    credits = from_json(int, results[CAPTURE_CREDITS])
    result = ImageResult(
        images=_images(results, credits),  # one credit a picture
        contact_sheet=from_json(Artifact, results[ASSEMBLE]),
        credits=credits,
    )
    self.app.states.close(job_id, JobStatus.SUCCEEDED, result=to_json(to_dict(result)))


@step_task(RELEASE_CREDITS)
def release_credits(self: StepTask, job_id: str) -> None:
    """Compensate a failed or cancelled job, as the errback of its steps, and end it."""
    states, failed_task = self.app.states, self.request.parent_id
    if self.went_astray(job_id):
        self.app.publisher.go_on(job_id)
        return
    self.settle_failure(job_id)
    if failed_task == task_id(job_id, NOTIFY_USER):
        # The credits are captured: there is nothing to release.
        states.close_as_decided(job_id)
        return
    if not states.claim_compensation(job_id, failed_task):
        return
    ports = self.app.runtime.of(IMAGES).ports
    released = self.run_step(
        job_id,
        RELEASE_CREDITS,
        lambda ctx, job: steps.release_credits(ctx, _job(job), ports),
        bool,
        closing=True,
    )
    if released:
        states.close_as_decided(job_id)
    else:
        notify_after_capture(self.app, job_id).apply_async()


def _job(state: JobState) -> ImageJob:
    return from_json(ImageJob, state.request)


def _images(results: Mapping[str, str], n: int) -> list[GeneratedImage]:
    finished = [results[step] for step in map(generate_step, range(n)) if step in results]
    return [from_json(GeneratedImage, result) for result in finished]
