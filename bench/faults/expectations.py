"""What each engine promises under each fault: `expectations.toml`, read and checked."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib.resources import files

from bench.arms.engines import profiles_of, promises_of


class Extent(StrEnum):
    """How much of what could be is expected."""

    EACH = "each"
    SOME = "some"
    NONE = "none"


class Measure(StrEnum):
    """What an expectation may be about."""

    AGAIN = "again"
    LOST = "lost"
    UNRECOVERED = "unrecovered"
    FAILED = "failed"
    STOPPED = "stopped"
    FINISHES = "finishes"
    COMPLETED = "completed"
    REPEATS = "repeats"
    DUPLICATE_EXECUTIONS = "duplicate_executions"
    DUPLICATE_EFFECTS = "duplicate_effects"

    @property
    def of_the_cell(self) -> bool:
        """Whether it is counted over all jobs of a cell, so that there is no "each"."""
        return self in _COUNTS


_COUNTS = (Measure.REPEATS, Measure.DUPLICATE_EXECUTIONS, Measure.DUPLICATE_EFFECTS)


@dataclass(frozen=True, slots=True)
class Expectation:
    """One promise with its source, and what it means for the numbers."""

    promise: str
    source: str
    expect: Mapping[Measure, Extent]


@cache
def expectations() -> dict[tuple[str, str], Expectation]:
    """Return all of them, by fault and arm; `ValueError` if the file contradicts itself."""
    text = (files("bench.faults") / "expectations.toml").read_text()
    found: dict[tuple[str, str], Expectation] = {}
    for table in tomllib.loads(text)["expectation"]:
        expect = {Measure(name): Extent(extent) for name, extent in table["expect"].items()}
        expectation = Expectation(table["promise"], table["source"], expect)
        for measure, extent in expect.items():
            if measure.of_the_cell and extent is Extent.EACH:
                raise ValueError(f"{table['faults']}: {measure} is some or none")
        for pair in [(fault, arm) for fault in table["faults"] for arm in table["arms"]]:
            if pair in found:
                raise ValueError(f"{' on '.join(pair)} is in two tables")
            found[pair] = expectation
    return found


def expectation_of(fault: str, arm: str) -> Expectation | None:
    """Return what is promised, by the arm's own entry or that of the profile which its own names;
    None if nothing is."""
    found, (engine, profile) = expectations(), arm.split("/")
    known = profile in profiles_of(engine)
    like = promises_of(engine, profile).expected_as if known else profile
    return found.get((fault, arm)) or found.get((fault, f"{engine}/{like}"))
