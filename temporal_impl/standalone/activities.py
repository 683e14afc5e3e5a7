"""The image job as one Standalone Activity: the workflow's steps, run in order by one worker."""

from temporalio import activity
from temporalio.exceptions import ApplicationError, CancelledError

from shared.domain.jobs import ImageResult
from temporal_impl.image_activities import ImageActivities
from temporal_impl.messages import Assemble, GenerateImage, ImageOrder


class StandaloneActivities:
    """The whole pipeline as one activity. A later attempt replays the steps that are finished."""

    def __init__(self, steps: ImageActivities) -> None:
        self._steps = steps

    @activity.defn(no_thread_cancel_exception=True)
    def run_image_job(self, order: ImageOrder) -> ImageResult:
        """reserve -> generate x n, one after the other -> assemble -> capture -> notify."""
        result: ImageResult | None = None
        try:
            self._steps.reserve_credits(order)
            images = [
                self._steps.generate_image(GenerateImage(order, index))
                for index in range(order.job.n)
            ]
            sheet = self._steps.assemble(Assemble(order, images))
            result = ImageResult(images, sheet, order.job.n)
            self._steps.capture_credits(order)
        except (ApplicationError, CancelledError) as error:
            if isinstance(error, ApplicationError) and not error.non_retryable:
                raise
            if self._steps.release_credits(order) or result is None:
                raise
        self._steps.notify_user(order)
        return result
