"""What the tables of a scenario share: how strict they are, and how they name arms."""

from typing import Annotated, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from bench.arms.engines import ENGINES, profiles_of, promises_of
from bench.arms.topology import Arm
from bench.errors import BadScenario

T = TypeVar("T")


class Table(BaseModel):
    """A table that takes no key that it does not know, and no number that is not finite."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, allow_inf_nan=False, use_attribute_docstrings=True
    )


def arm_of(name: str, *, twin: bool = False) -> Arm:
    """Return the arm of a name such as `celery/hardened`, or its twin."""
    engine, profile = name.split("/", 1)
    return Arm(engine, profile, twin=twin)


def each_once(listed: list[T]) -> list[T]:
    """Return the list; `ValueError` if anything is in it twice."""
    if len(set(listed)) != len(listed):
        raise ValueError("each once")
    return listed


def _is_arm(text: str) -> str:
    known = [f"{engine}/{name}" for engine in ENGINES for name in profiles_of(engine)]
    if text not in known:
        raise ValueError(f"{text!r} is not one of {', '.join(known)}")
    try:
        promises_of(*text.split("/"))
    except BadScenario as error:
        raise ValueError(str(error)) from None
    return text


ArmNames = Annotated[
    list[Annotated[str, AfterValidator(_is_arm)]], AfterValidator(each_once), Field(min_length=1)
]
"""Arms that exist, each once, at least one."""
