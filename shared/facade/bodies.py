"""Bodies that the API takes, beside those of the workloads."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from shared.workloads.fields import Name


class ReviewBody(BaseModel):
    """What a person says of a borderline comparison."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"example": {"approved": True, "reviewer": "grace"}}
    )

    approved: Annotated[bool, Field(strict=True)]
    """Whether both faces are of the same person."""
    reviewer: Name
