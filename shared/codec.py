"""Dataclasses to JSON and back, with types checked on the way in."""

from collections.abc import Callable
from functools import cache
from typing import Any, TypeVar

from pydantic import TypeAdapter

T = TypeVar("T")


# Building an adapter costs milliseconds, so each type's is kept.
_adapter: Callable[[Any], TypeAdapter[Any]] = cache(TypeAdapter)


def to_json(value: object) -> str:
    """Return `value` (a dataclass, or anything pydantic knows) as JSON text."""
    return _adapter(type(value)).dump_json(value).decode()


def from_json(kind: type[T], text: str) -> T:
    """Parse JSON text as `kind`; `pydantic.ValidationError` if it does not fit."""
    parsed: T = _adapter(kind).validate_json(text)
    return parsed


def to_dict(value: object) -> dict[str, Any]:
    """Return a dataclass as a dictionary of JSON values."""
    plain: dict[str, Any] = _adapter(type(value)).dump_python(value, mode="json")
    return plain


def from_dict(kind: type[T], data: object) -> T:
    """Parse a dictionary of JSON values as `kind`."""
    parsed: T = _adapter(kind).validate_python(data)
    return parsed
