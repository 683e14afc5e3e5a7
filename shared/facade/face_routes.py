"""`/v1/jobs/face-similarity` and the review that a borderline comparison waits for."""

from fastapi import APIRouter

from shared.domain.faces import FACE_SIMILARITY, FaceSession
from shared.facade.bodies import FaceSimilarityBody, ReviewBody
from shared.facade.dependencies import IdempotencyKey, JobIdDep, ServiceDep
from shared.facade.models import Accepted, JobView
from shared.facade.problems import SUBMISSION, documented

router = APIRouter(prefix="/v1/jobs", tags=["face sessions"])

_REVIEW = documented(
    {
        404: "No job has this id.",
        409: "The job is no face session, is not in review (any more), or has another verdict.",
        503: "The job's engine is down; send the same verdict again.",
    }
)


@router.post(f"/{FACE_SIMILARITY}", status_code=202, responses=SUBMISSION)
async def submit_face_similarity(
    body: FaceSimilarityBody, service: ServiceDep, idempotency_key: IdempotencyKey = None
) -> Accepted:
    """Open a face session, which waits for an ID picture and a selfie video, in any order.

    Bring them with `PUT /v1/jobs/{job_id}/files/image` and `.../video` before its deadline. The
    result is `{match, similarity, distance, threshold, decision, frame, model}`; a `decision` of
    `review` waits for a person first (status `review`). The same `Idempotency-Key` and body give
    the same session.
    """
    session = FaceSession(user_id=body.user_id, session_id=body.session_id)
    return Accepted.of(await service.submit(FACE_SIMILARITY, session, idempotency_key))


@router.post("/{job_id}/review", status_code=202, responses=_REVIEW)
async def review_job(job_id: JobIdDep, body: ReviewBody, service: ServiceDep) -> JobView:
    """Decide a session in review. The first verdict stands; sending it again changes nothing."""
    return await service.review(job_id, approved=body.approved, reviewer=body.reviewer)
