"""Image generation on Temporal, as the engine and the workers see it."""

from collections.abc import Mapping

from shared.domain.jobs import ImageJob
from shared.policy import RESERVE_CREDITS, Queue
from shared.runtime import Runtime
from shared.settings import Settings
from shared.workloads.image_generation import workload
from temporal_impl.image_activities import ImageActivities
from temporal_impl.image_workflows import ImageGenerationWorkflow
from temporal_impl.messages import ImageOrder, ImageWorkflowInput
from temporal_impl.options import StepOptions
from temporal_impl.standalone.activities import StandaloneActivities
from temporal_impl.workload import Served, TemporalWorkload


class ImageJobs(TemporalWorkload):
    """One workflow a job, or one Standalone Activity, whichever the profile says."""

    workload = workload.IMAGES
    workflow = ImageGenerationWorkflow
    first_step = RESERVE_CREDITS
    standalone = True

    def served(self, role: Queue, runtime: Runtime) -> Served:
        """Both kinds of execution: a worker serves whatever the facade's profile starts."""
        steps = ImageActivities(runtime)
        if role is Queue.GPU:
            return Served([], [steps.generate_image, StandaloneActivities(steps).run_image_job])
        return Served(
            [ImageGenerationWorkflow],
            [
                steps.reserve_credits,
                steps.assemble,
                steps.capture_credits,
                steps.notify_user,
                steps.release_credits,
            ],
        )

    def given(
        self,
        job_id: str,
        request: ImageJob,
        options: dict[str, StepOptions],
        settings: Settings,  # noqa: ARG002
    ) -> tuple[object, Mapping[str, object] | None]:
        """The job and the options of its steps."""
        return ImageWorkflowInput(ImageOrder(job_id, request), options), None
