"""Bodies that the API takes and returns."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from shared.domain.status import JobStatus

MAX_PROMPT_CHARS = 500
MAX_IMAGES = 8
MAX_STEPS = 150


def _not_blank(text: str) -> str:
    if not text.strip():
        raise ValueError("must not be blank")
    return text


def _multiple_of_8(pixels: int) -> int:
    if pixels % 8:
        raise ValueError("must be a multiple of 8")
    return pixels


Pixels = Annotated[int, Field(ge=64, le=1024, strict=True), AfterValidator(_multiple_of_8)]


class ImageGenerationBody(BaseModel):
    """A request for `n` pictures of one prompt; picture `i` is made from `seed + i`."""

    model_config = ConfigDict(extra="forbid")

    prompt: Annotated[
        str, Field(min_length=1, max_length=MAX_PROMPT_CHARS), AfterValidator(_not_blank)
    ]
    user_id: Annotated[str, Field(min_length=1, max_length=100), AfterValidator(_not_blank)]
    n: Annotated[int, Field(ge=1, le=MAX_IMAGES, strict=True)] = 1
    steps: Annotated[int, Field(ge=1, le=MAX_STEPS, strict=True)] = 20
    seed: Annotated[int, Field(ge=0, le=2**31 - 1, strict=True)] | None = None
    width: Pixels = 64
    height: Pixels = 64


class Accepted(BaseModel):
    """The answer to a submission. The same `Idempotency-Key` always gives the same `job_id`."""

    job_id: str
    engine: str
    status_url: str
    events_url: str


class Progress(BaseModel):
    """Denoising steps done of all steps of the job's pictures."""

    done: int
    total: int


class AttemptView(BaseModel):
    """One execution of a step by one worker."""

    step: str
    attempt: int
    worker: str
    pid: int
    started_at: datetime
    ended_at: datetime | None
    outcome: Literal["running", "finished", "replayed", "failed", "cancelled", "superseded", "died"]
    """`died`: it left no end, and a later attempt has begun."""


class ArtifactView(BaseModel):
    """A file of the job; `url` serves it."""

    name: str
    media_type: str
    sha256: str
    url: str


class JobView(BaseModel):
    """A job, in one shape for both engines."""

    job_id: str
    workload: str
    engine: str
    status: JobStatus
    step: str | None
    progress: Progress
    attempts: list[AttemptView]
    artifacts: list[ArtifactView]
    result: dict[str, object] | None
    error: str | None
    created_at: datetime
    updated_at: datetime
    engine_ui_url: str | None


class JobPage(BaseModel):
    """Jobs, newest first; `next` fetches the following page, None if there is none."""

    jobs: list[JobView]
    next: str | None
