"""`/v1/jobs/{job_id}/review`: what a person says of a borderline comparison."""

from typing import Annotated

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from shared.facade.dependencies import JobIdDep, ServiceDep
from shared.facade.models import JobView
from shared.facade.problems import documented
from shared.workloads.fields import Name

router = APIRouter(prefix="/v1/jobs", tags=["face sessions"])

_REVIEW = documented(
    {
        404: "No job has this id.",
        409: "The job is no face session, is not in review (any more), or has another verdict.",
        503: "The job's engine is down; send the same verdict again.",
    }
)


class ReviewBody(BaseModel):
    """What a person says of a borderline comparison."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"example": {"approved": True, "reviewer": "grace"}}
    )

    approved: Annotated[bool, Field(strict=True)]
    """Whether both faces are of the same person."""
    reviewer: Name


@router.post("/{job_id}/review", status_code=202, responses=_REVIEW)
async def review_job(job_id: JobIdDep, body: ReviewBody, service: ServiceDep) -> JobView:
    """Decide a session in review. The first verdict stands; sending it again changes nothing."""
    return await service.review(job_id, approved=body.approved, reviewer=body.reviewer)
