"""`/v1/jobs/image-generation`."""

import secrets
import zlib

from fastapi import APIRouter

from shared.domain.jobs import IMAGE_GENERATION, ImageJob
from shared.facade.bodies import ImageGenerationBody
from shared.facade.dependencies import IdempotencyKey, ServiceDep
from shared.facade.models import Accepted
from shared.facade.problems import SUBMISSION

router = APIRouter(prefix="/v1/jobs", tags=["image generation"])


@router.post(f"/{IMAGE_GENERATION}", status_code=202, responses=SUBMISSION)
async def submit_image_generation(
    body: ImageGenerationBody, service: ServiceDep, idempotency_key: IdempotencyKey = None
) -> Accepted:
    """Accept an image job. The same `Idempotency-Key` and body give the same job."""
    job = _image_job(body, idempotency_key)
    return Accepted.of(await service.submit(IMAGE_GENERATION, job, idempotency_key))


def _image_job(body: ImageGenerationBody, idempotency_key: str | None) -> ImageJob:
    seed = body.seed
    if seed is None:
        # The same key must stand for the same job, so it decides the seed too.
        seed = _seed_of(idempotency_key) if idempotency_key else secrets.randbelow(2**31)
    return ImageJob(
        prompt=body.prompt,
        user_id=body.user_id,
        n=body.n,
        steps=body.steps,
        seed=seed,
        width=body.width,
        height=body.height,
    )


def _seed_of(text: str) -> int:
    return zlib.crc32(text.encode()) & (2**31 - 1)
