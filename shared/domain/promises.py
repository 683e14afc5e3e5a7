"""What an arm may promise of its jobs, whatever is done to its processes."""

from dataclasses import dataclass
from enum import StrEnum


class Promise(StrEnum):
    """One promise, by the name that profiles and histories use."""

    NO_LOSS = "no_loss"
    NO_DUPLICATE_EFFECTS = "no_duplicate_effects"
    NO_DUPLICATE_EXECUTIONS = "no_duplicate_executions"
    NO_PHANTOMS = "no_phantoms"
    WITHIN_BOUND = "within_bound"
    """Every recovery comes within the bound that is predicted for its fault."""


@dataclass(frozen=True, slots=True)
class Promises:
    """What a profile promises, and whose documented behaviour under faults is its own."""

    kept: tuple[Promise, ...]
    expected_as: str
