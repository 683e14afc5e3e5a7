"""The image job's thin activities: each runs one step of the shared business logic in a thread."""

from temporalio import activity

from shared.domain.jobs import Artifact, GeneratedImage
from shared.policy import (
    ASSEMBLE,
    CAPTURE_CREDITS,
    NOTIFY_USER,
    RELEASE_CREDITS,
    RESERVE_CREDITS,
)
from shared.runtime import Runtime
from shared.workloads.image_generation import steps
from shared.workloads.image_generation.workload import IMAGES
from temporal_impl.messages import Assemble, GenerateImage, ImageOrder
from temporal_impl.step_activity import StepActivities


class ImageActivities(StepActivities):
    """The steps of an image job. The model has to be loaded before `generate_image` is run."""

    def __init__(self, runtime: Runtime) -> None:
        super().__init__(runtime)
        self._parts = runtime.of(IMAGES)
        self._ports = self._parts.ports

    @activity.defn(no_thread_cancel_exception=True)
    def reserve_credits(self, order: ImageOrder) -> int:
        """Reserve one credit a picture."""
        return self._run(
            order.job_id,
            RESERVE_CREDITS,
            lambda ctx: steps.reserve_credits(ctx, order.job, self._ports),
            int,
        )

    @activity.defn(no_thread_cancel_exception=True)
    def generate_image(self, task: GenerateImage) -> GeneratedImage:
        """Make one picture, from the last checkpoint on if there is one."""
        generator = self._parts.generator
        return self._run(
            task.order.job_id,
            steps.generate_step(task.index),
            lambda ctx: steps.generate_image(
                ctx, task.order.job, task.index, self._ports, generator
            ),
            GeneratedImage,
        )

    @activity.defn(no_thread_cancel_exception=True)
    def assemble(self, task: Assemble) -> Artifact:
        """Lay all pictures out on a contact sheet."""
        return self._run(
            task.order.job_id,
            ASSEMBLE,
            lambda ctx: steps.assemble(ctx, task.order.job, task.images, self._ports),
            Artifact,
        )

    @activity.defn(no_thread_cancel_exception=True)
    def capture_credits(self, order: ImageOrder) -> int:
        """Capture the reservation."""
        return self._run(
            order.job_id,
            CAPTURE_CREDITS,
            lambda ctx: steps.capture_credits(ctx, order.job, self._ports),
            int,
        )

    @activity.defn(no_thread_cancel_exception=True)
    def notify_user(self, order: ImageOrder) -> bool:
        """Tell the user."""
        return self._run(order.job_id, NOTIFY_USER, steps.notify_user, bool)

    @activity.defn(no_thread_cancel_exception=True)
    def release_credits(self, order: ImageOrder) -> bool:
        """Undo the reservation; False if the credits are captured already."""
        return self._run(
            order.job_id,
            RELEASE_CREDITS,
            lambda ctx: steps.release_credits(ctx, order.job, self._ports),
            bool,
        )
