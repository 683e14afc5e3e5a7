"""The image job as a workflow: deterministic, and all that it depends on is in its input."""

import asyncio

from temporalio import workflow
from temporalio.exceptions import ActivityError
from temporalio.workflow import ActivityConfig

with workflow.unsafe.imports_passed_through():
    from shared.domain.jobs import GeneratedImage, ImageResult
    from shared.policy import (
        ASSEMBLE,
        CAPTURE_CREDITS,
        GENERATE_IMAGE,
        NOTIFY_USER,
        RELEASE_CREDITS,
        RESERVE_CREDITS,
    )
    from shared.workloads.image_generation.steps import generate_step
    from temporal_impl.cancellation import see_through, stop_if_cancelled
    from temporal_impl.image_activities import ImageActivities
    from temporal_impl.messages import Assemble, GenerateImage, ImageWorkflowInput


@workflow.defn
class ImageGenerationWorkflow:
    """reserve -> generate x n -> assemble -> capture -> notify.

    Guarantees: a job that fails or is cancelled before its credits are captured releases them;
    one whose credits are captured is completed, even if it is cancelled then; with
    `wait_for_cancel` no step is left running behind the workflow's end.
    """

    @workflow.init
    def __init__(self, given: ImageWorkflowInput) -> None:
        self._order = given.order
        self._options = given.options

    @workflow.run
    async def run(self, _: ImageWorkflowInput) -> ImageResult:
        result: ImageResult | None = None
        try:
            await self._reserve()
            images = await self._generate_all()
            result = await self._assemble(images)
            await self._capture()
        except (ActivityError, asyncio.CancelledError):
            cancelled = workflow.cancellation_reason() is not None
            # A write-once register settles between release and capture. False means that the
            # capture came first, though it was reported as failed or cancelled.
            if await see_through(self._release()) or result is None:
                if cancelled:
                    # Also if the step's worker died before it could stop: then it timed out.
                    raise asyncio.CancelledError from None
                raise
        await see_through(self._notify())
        return result

    async def _reserve(self) -> None:
        await workflow.execute_activity_method(
            ImageActivities.reserve_credits, self._order, **self._step(RESERVE_CREDITS)
        )
        stop_if_cancelled()

    async def _generate_all(self) -> list[GeneratedImage]:
        """Make all pictures in parallel; if one fails for good, stop the others and wait for them.

        Not a `TaskGroup`: it cancels from a set, and the order of commands must be the same in
        every replay.
        """
        options = self._options[GENERATE_IMAGE]
        pictures = [
            workflow.start_activity_method(
                ImageActivities.generate_image,
                GenerateImage(self._order, index),
                **options.to_temporal(generate_step(index)),
            )
            for index in range(self._order.job.n)
        ]
        try:
            return await asyncio.gather(*pictures)
        except (ActivityError, asyncio.CancelledError):
            for picture in pictures:
                picture.cancel()
            await asyncio.gather(*pictures, return_exceptions=True)
            raise

    async def _assemble(self, images: list[GeneratedImage]) -> ImageResult:
        sheet = await workflow.execute_activity_method(
            ImageActivities.assemble, Assemble(self._order, images), **self._step(ASSEMBLE)
        )
        stop_if_cancelled()
        return ImageResult(images, sheet, self._order.job.n)

    async def _capture(self) -> None:
        await workflow.execute_activity_method(
            ImageActivities.capture_credits, self._order, **self._step(CAPTURE_CREDITS)
        )

    async def _notify(self) -> None:
        await workflow.execute_activity_method(
            ImageActivities.notify_user, self._order, **self._step(NOTIFY_USER)
        )

    async def _release(self) -> bool:
        return await workflow.execute_activity_method(
            ImageActivities.release_credits, self._order, **self._step(RELEASE_CREDITS)
        )

    def _step(self, step: str) -> ActivityConfig:
        return self._options[step].to_temporal(step)
