"""What travels in payloads between the engine, the workflow and the activities."""

from dataclasses import dataclass

from shared.domain.jobs import GeneratedImage, ImageJob
from temporal_impl.options import StepOptions


@dataclass(frozen=True, slots=True)
class ImageOrder:
    """One accepted image job; the input of every activity that needs no more."""

    job_id: str
    job: ImageJob


@dataclass(frozen=True, slots=True)
class GenerateImage:
    """Input of `generate_image`: make picture `index` (from 0)."""

    order: ImageOrder
    index: int


@dataclass(frozen=True, slots=True)
class Assemble:
    """Input of `assemble`: lay out all pictures of the job, in order."""

    order: ImageOrder
    images: list[GeneratedImage]


@dataclass(frozen=True, slots=True)
class ImageWorkflowInput:
    """Input of the workflow: the job, and the activity options by kind of step."""

    order: ImageOrder
    options: dict[str, StepOptions]
