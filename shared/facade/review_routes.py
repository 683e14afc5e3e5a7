"""`/v1/jobs/{job_id}/review`: what a person says of a borderline comparison."""

from fastapi import APIRouter

from shared.facade.bodies import ReviewBody
from shared.facade.dependencies import JobIdDep, ServiceDep
from shared.facade.models import JobView
from shared.facade.problems import documented

router = APIRouter(prefix="/v1/jobs", tags=["face sessions"])

_REVIEW = documented(
    {
        404: "No job has this id.",
        409: "The job is no face session, is not in review (any more), or has another verdict.",
        503: "The job's engine is down; send the same verdict again.",
    }
)


@router.post("/{job_id}/review", status_code=202, responses=_REVIEW)
async def review_job(job_id: JobIdDep, body: ReviewBody, service: ServiceDep) -> JobView:
    """Decide a session in review. The first verdict stands; sending it again changes nothing."""
    return await service.review(job_id, approved=body.approved, reviewer=body.reviewer)
