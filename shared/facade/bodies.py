"""Bodies that the API takes."""

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

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


Name = Annotated[str, Field(min_length=1, max_length=100), AfterValidator(_not_blank)]
Pixels = Annotated[int, Field(ge=64, le=1024, strict=True), AfterValidator(_multiple_of_8)]


class ImageGenerationBody(BaseModel):
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
        str, Field(min_length=1, max_length=MAX_PROMPT_CHARS), AfterValidator(_not_blank)
    ]
    user_id: Name
    n: Annotated[int, Field(ge=1, le=MAX_IMAGES, strict=True)] = 1
    steps: Annotated[int, Field(ge=1, le=MAX_STEPS, strict=True)] = 20
    seed: Annotated[int, Field(ge=0, le=2**31 - 1, strict=True)] | None = None
    width: Pixels = 64
    height: Pixels = 64


class FaceSimilarityBody(BaseModel):
    """A request to compare the face on an ID with the one in a selfie video, which come later."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"example": {"user_id": "ada", "session_id": "kyc-2041"}},
    )

    user_id: Name
    session_id: Name


class ReviewBody(BaseModel):
    """What a person says of a borderline comparison."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"example": {"approved": True, "reviewer": "grace"}}
    )

    approved: Annotated[bool, Field(strict=True)]
    """Whether both faces are of the same person."""
    reviewer: Name
