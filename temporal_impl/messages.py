"""What travels in payloads between the engine, the workflow and the activities."""

from dataclasses import dataclass
from typing import Any

from shared.domain.faces import FaceResult, FaceSession
from shared.domain.jobs import GeneratedImage, ImageJob
from shared.domain.status import JobStatus
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
    """Input of the image workflow: the job, and the activity options by kind of step."""

    order: ImageOrder
    options: dict[str, StepOptions]


@dataclass(frozen=True, slots=True)
class FaceOrder:
    """One accepted face session; the input of every activity that needs no more."""

    job_id: str
    session: FaceSession


@dataclass(frozen=True, slots=True)
class CompareFaces:
    """Input of `compare_faces`: the two files, by their keys in the upload store."""

    order: FaceOrder
    image_sha256: str
    video_sha256: str


@dataclass(frozen=True, slots=True)
class SaveResult:
    """Input of `save_result`."""

    order: FaceOrder
    result: FaceResult


@dataclass(frozen=True, slots=True)
class FaceWorkflowInput:
    """Input of the session's workflow. The deadlines are in seconds; that of the files counts
    from the workflow's start, that of the review from when the session asks for one."""

    order: FaceOrder
    options: dict[str, StepOptions]
    input_deadline_s: float
    review_deadline_s: float


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a person says of a borderline comparison."""

    approved: bool
    reviewer: str


@dataclass(frozen=True, slots=True)
class SessionOutcome:
    """How a session ended that came to an end of its own, and the job's result in JSON values.

    Running into a deadline is one of its ends: the workflow completes, it does not fail.
    """

    status: JobStatus
    result: dict[str, Any]
