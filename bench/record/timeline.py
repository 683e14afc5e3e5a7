"""What became of each faulted job, attempt by attempt, as `metrics.json` has it.

Times are seconds from the fault.
"""

from dataclasses import dataclass
from enum import StrEnum

CUT_OFF = "cut off"
OPEN = "open"


class Phase(StrEnum):
    """What an attempt did in one stretch of time."""

    WAIT = "wait"
    """It had the step but not yet the right to compute: another attempt held the lease."""
    WORK = "work"
    REDONE = "redone"
    """It repeated progress that an earlier attempt had made."""
    DUPLICATE = "duplicate"
    """It finished work that an earlier attempt had finished."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """One shaded part of a row."""

    start_s: float
    end_s: float
    phase: Phase


@dataclass(frozen=True, slots=True)
class AttemptRow:
    """One attempt. `progress` is the last `done/total` of a step that reports any.

    `end` is how it ended: a record kind, `CUT_OFF`, or `OPEN` if nothing more was recorded.
    `waited_s` is how long after the fault it began, on the first attempt that took up a hit step.
    """

    step: str
    attempt: int
    worker: str
    stretches: list[Stretch]
    end: str
    progress: str
    resumed_from: int | None = None
    waited_s: float | None = None

    @property
    def start_s(self) -> float:
        """When the worker took the step."""
        return self.stretches[0].start_s

    @property
    def end_s(self) -> float:
        """When it was last heard of."""
        return self.stretches[-1].end_s


@dataclass(frozen=True, slots=True)
class EffectTick:
    """One call at the effect sink; `repeat` if the same effect had been applied before."""

    at_s: float
    effect: str
    applied: bool
    repeat: bool


@dataclass(frozen=True, slots=True)
class Timeline:
    """One trial: its rows in order of time, its effects, and the faults of its job."""

    trial: str
    rows: list[AttemptRow]
    effects: list[EffectTick]
    faults_s: list[float]
