"""Reads scenarios, shipped or a file of your own; a bad one is refused with all its mistakes."""

import re
import tomllib
from difflib import get_close_matches
from importlib.resources import files
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from bench.errors import BadScenario
from bench.scenario.lines import Place, line_of
from bench.scenario.model import Scenario


def load_scenario(name_or_path: str) -> tuple[Scenario, str]:
    """Return a scenario and its text.

    `BadScenario` lists every mistake in it, each with its line. Whether values fit together shows
    only once each of them is right by itself.
    """
    text = _read(name_or_path)
    try:
        return Scenario.model_validate(tomllib.loads(text)), text
    except tomllib.TOMLDecodeError as error:
        raise BadScenario(f"{name_or_path}: {error}") from None
    except ValidationError as error:
        mistakes = sorted(
            (line_of(text, _place(item)), _sentence(item))
            for item in error.errors(include_url=False)
        )
        listed = [f"{name_or_path}:{line}: {sentence}" for line, sentence in mistakes]
        raise BadScenario("\n".join([f"{name_or_path} is refused:", *listed])) from None


def shipped() -> list[str]:
    """Return the names of the scenarios that come with the package."""
    folder = files("bench.scenario") / "shipped"
    return sorted(item.name.removesuffix(".toml") for item in folder.iterdir())


def _read(name_or_path: str) -> str:
    if name_or_path in shipped():
        return (files("bench.scenario") / "shipped" / f"{name_or_path}.toml").read_text(
            encoding="utf-8"
        )
    try:
        return Path(name_or_path).read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise BadScenario(f"{name_or_path}: TOML is UTF-8, and this is not: {error}") from None
    except OSError as error:
        raise BadScenario(
            f"{name_or_path}: {error.strerror}; shipped are {', '.join(shipped())}"
        ) from None


def _place(item: ErrorDetails) -> Place:
    return tuple(item["loc"])


def _sentence(item: ErrorDetails) -> str:
    """`stages[1].cells[0].fault: 'sigkil' is not one of none, sigkill, ...; did you mean ...?`"""
    place = _place(item)
    if not place:
        return _without_prefix(item["msg"])
    return f"{_dotted(place)}: {_complaint(item)}"


def _dotted(place: Place) -> str:
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in place)
    return text.removeprefix(".")


def _complaint(item: ErrorDetails) -> str:
    given = item["input"]
    match item["type"]:
        case "missing":
            return "this key is missing"
        case "extra_forbidden":
            known = _keys_at(_place(item)[:-1])
            return f"there is no such key{_suggestion(str(_place(item)[-1]), known)}"
        case "value_error":
            says = _without_prefix(item["msg"])
            _, _, listed = says.partition(" is not one of ")
            return says + (_suggestion(given, listed.split(", ")) if listed else "")
        case "literal_error" | "enum":
            choices = re.findall(r"'([^']*)'", item["ctx"]["expected"])
            return f"{given!r} is not one of {', '.join(choices)}{_suggestion(given, choices)}"
        case _:
            says = item["msg"][:1].lower() + item["msg"][1:]
            shown = "" if isinstance(given, dict | list) else f", not {given!r}"
            return says + shown


def _without_prefix(message: str) -> str:
    return message.removeprefix("Value error, ")


def _suggestion(given: Any, known: list[str]) -> str:
    close = get_close_matches(given, known, n=1) if isinstance(given, str) else []
    return f"; did you mean {close[0]}?" if close else ""


def _keys_at(place: Place) -> list[str]:
    """The keys that the table at a place may have."""
    model: type[BaseModel] = Scenario
    for part in place:
        if isinstance(part, str):
            model = _model_in(model.model_fields[part].annotation) or model
    return list(model.model_fields)


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for arg in get_args(annotation) if (found := _model_in(arg))), None)
