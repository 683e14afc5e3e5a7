"""On which line of a TOML text a key stands; `tomllib` parses and gives no positions."""

import tomllib
from functools import cache
from typing import Any

Place = tuple[str | int, ...]
"""The keys and indices that lead to a value: `("stages", 0, "job", "steps")`."""


def line_of(text: str, place: Place) -> int:
    """Return the line, from 1, of the statement that brings a place; if there is none, that of
    the innermost table around it; 1 for the whole. The text must be TOML.
    """
    while place:
        begins = 1
        for number, parsed in _prefixes(text):
            if _has(parsed, place):
                return begins
            begins = number + 1
        place = place[:-1]
    return 1


@cache
def _prefixes(text: str) -> list[tuple[int, dict[str, Any]]]:
    """Each number of lines that is TOML by itself, parsed: it ends no statement half-way."""
    lines = text.split("\n")
    found = []
    for number in range(1, len(lines) + 1):
        try:
            found.append((number, tomllib.loads("\n".join(lines[:number]) + "\n")))
        except tomllib.TOMLDecodeError:
            continue
    return found


def _has(value: Any, place: Place) -> bool:
    for key in place:
        try:
            value = value[key]
        except (LookupError, TypeError):
            return False
    return True
