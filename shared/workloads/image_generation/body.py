"""What a client submits for image generation."""

import secrets
import zlib
from typing import Annotated

from pydantic import AfterValidator, ConfigDict, Field

from shared.domain.jobs import ImageJob
from shared.workloads.fields import Name, not_blank
from shared.workloads.workload import Body

MAX_PROMPT_CHARS = 500
MAX_IMAGES = 8
MAX_STEPS = 150


def _multiple_of_8(pixels: int) -> int:
    if pixels % 8:
        raise ValueError("must be a multiple of 8")
    return pixels


Pixels = Annotated[int, Field(ge=64, le=1024, strict=True), AfterValidator(_multiple_of_8)]


class ImageGenerationBody(Body[ImageJob]):
    """A request for `n` pictures of one prompt; picture `i` is made from `seed + i`."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "example": {
                "prompt": "a red circle on a blue background",
                "user_id": "ada",
                "n": 2,
                "steps": 20,
                "seed": 7,
            }
        },
    )

    prompt: Annotated[
        str, Field(min_length=1, max_length=MAX_PROMPT_CHARS), AfterValidator(not_blank)
    ]
    user_id: Name
    n: Annotated[int, Field(ge=1, le=MAX_IMAGES, strict=True)] = 1
    steps: Annotated[int, Field(ge=1, le=MAX_STEPS, strict=True)] = 20
    seed: Annotated[int, Field(ge=0, le=2**31 - 1, strict=True)] | None = None
    width: Pixels = 64
    height: Pixels = 64

    def request(self, idempotency_key: str | None) -> ImageJob:
        """Return the job; without a seed, the key decides it, or chance."""
        seed = self.seed
        if seed is None:
            # The same key must stand for the same job, so it decides the seed too.
            seed = _seed_of(idempotency_key) if idempotency_key else secrets.randbelow(2**31)
        return ImageJob(
            prompt=self.prompt,
            user_id=self.user_id,
            n=self.n,
            steps=self.steps,
            seed=seed,
            width=self.width,
            height=self.height,
        )


def _seed_of(text: str) -> int:
    return zlib.crc32(text.encode()) & (2**31 - 1)
