"""Which workflows and activities a worker has, by its role and the workloads that it serves."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from shared.domain.faces import FACE_SIMILARITY
from shared.domain.jobs import IMAGE_GENERATION
from shared.policy import Queue
from shared.runtime import Runtime
from temporal_impl.face_activities import FaceActivities
from temporal_impl.face_workflows import FaceSimilarityWorkflow
from temporal_impl.image_activities import ImageActivities
from temporal_impl.image_workflows import ImageGenerationWorkflow
from temporal_impl.purge_workflow import PurgeUploadsWorkflow
from temporal_impl.standalone.activities import StandaloneActivities


@dataclass(frozen=True, slots=True)
class Served:
    """What one worker registers."""

    workflows: list[type]
    activities: list[Callable[..., Any]]


def served(role: Queue, runtime: Runtime) -> Served:
    """Return what a worker of this role registers; workflows run beside the CPU steps."""
    parts = []
    if IMAGE_GENERATION in runtime.settings.workloads:
        parts.append(_of_images(role, ImageActivities(runtime)))
    if FACE_SIMILARITY in runtime.settings.workloads:
        parts.append(_of_faces(role, FaceActivities(runtime)))
    return Served(
        workflows=[workflow for part in parts for workflow in part.workflows],
        activities=[activity for part in parts for activity in part.activities],
    )


def _of_images(role: Queue, steps: ImageActivities) -> Served:
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


def _of_faces(role: Queue, steps: FaceActivities) -> Served:
    if role is Queue.GPU:
        return Served([], [steps.compare_faces])
    return Served(
        [FaceSimilarityWorkflow, PurgeUploadsWorkflow],
        [
            steps.open_session,
            steps.save_result,
            steps.notify_user,
            steps.close_session,
            steps.purge_uploads,
        ],
    )
