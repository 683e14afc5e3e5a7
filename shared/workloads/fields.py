"""Fields that bodies share."""

from typing import Annotated

from pydantic import AfterValidator, Field


def not_blank(text: str) -> str:
    """Return the text; `ValueError` if there is nothing in it."""
    if not text.strip():
        raise ValueError("must not be blank")
    return text


Name = Annotated[str, Field(min_length=1, max_length=100), AfterValidator(not_blank)]
