"""Bodies that the API returns."""

from datetime import datetime
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict

from shared.domain.status import JobStatus
from shared.ports.jobs import RegisteredJob


class Accepted(BaseModel):
    """The answer to a submission. The same `Idempotency-Key` always gives the same `job_id`."""

    job_id: str
    engine: str
    status_url: str
    events_url: str

    @classmethod
    def of(cls, job: RegisteredJob) -> Self:
        """Return the answer for a job that was accepted."""
        url = f"/v1/jobs/{job.job_id}"
        return cls(job_id=job.job_id, engine=job.engine, status_url=url, events_url=f"{url}/events")


class Problem(BaseModel):
    """An error (RFC 9457); `detail` says what to do about it."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "type": "about:blank",
                "title": "Conflict",
                "status": 409,
                "detail": "job 3ecacb6f-6a09-4501-96b2-ce9144873e7c is over (timed_out) and takes"
                " no more files",
                "instance": "/v1/jobs/3ecacb6f-6a09-4501-96b2-ce9144873e7c/files/image",
            }
        }
    )

    type: str
    title: str
    status: int
    detail: str
    instance: str


class Progress(BaseModel):
    """Denoising steps done of all steps of the job's pictures; or video frames looked at."""

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


class FileView(BaseModel):
    """A file that a client has brought for a slot of the job; `size` in bytes."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "slot": "image",
                "sha256": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
                "media_type": "image/jpeg",
                "size": 48213,
            }
        }
    )

    slot: str
    sha256: str
    media_type: str
    size: int


class JobView(BaseModel):
    """A job, in one shape for both engines."""

    job_id: str
    workload: str
    engine: str
    status: JobStatus
    step: str | None
    progress: Progress
    attempts: list[AttemptView]
    inputs: list[FileView]
    """The files that have arrived; gone again some days after the end of the job."""
    artifacts: list[ArtifactView]
    result: dict[str, object] | None
    error: str | None
    stuck: bool
    """The engine holds the job and cannot go on by itself; `error` says why, and what waits."""
    created_at: datetime
    updated_at: datetime
    engine_ui_url: str | None


class JobPage(BaseModel):
    """Jobs, newest first; `next` fetches the following page, None if there is none."""

    jobs: list[JobView]
    next: str | None
