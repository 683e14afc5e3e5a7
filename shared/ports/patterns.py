"""What teams ask of a job engine besides running jobs: the same requests put to both engines.

One suite drives an implementation from outside and judges it by the ledger, which the pattern's
steps write (`shared/workloads/pattern_steps.py`), never by what the engine says of itself. Steps
are small and made for this: they sleep, count, fail when told, and leave records. Every call is
bounded by the suite. What each pattern is given, runs and returns is said in
`bench/capabilities/patterns/rows.py`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol


class Support(StrEnum):
    """How an engine comes to have a pattern."""

    NATIVE = "native"
    """The engine's own documented feature, used as documented."""
    BUILT = "built"
    """Built by this project on the engine; the lines say how much it took."""
    NOT_POSSIBLE = "not possible"


@dataclass(frozen=True, slots=True)
class Claim:
    """What an engine's module of a pattern says of itself; `why` is a sentence with a source."""

    support: Support
    why: str
    because_of: str = ""
    """The server for whose sake alone it is built: on another one it would be native."""


class Outcome(StrEnum):
    """How a pattern's job ended, or that it has not."""

    OPEN = "open"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"
    TIMED_OUT = "timed out"


@dataclass(frozen=True, slots=True)
class State:
    """What the engine knows of a pattern's job; asking must need no worker."""

    outcome: Outcome
    value: object = None
    """The result once it is over, as JSON would carry it."""
    done: int = 0
    total: int = 0
    error: str = ""


@dataclass(frozen=True, slots=True)
class Happening:
    """One line of a job's history as the engine tells it afterwards.

    `step` is empty for what concerns the whole job; `what` carries the error's text if an attempt
    failed; `at_s` is Unix time in seconds.
    """

    step: str
    what: str
    at_s: float


class Patterns(Protocol):
    """One environment of one engine. Jobs are named by the caller; a name is a job for ever."""

    async def start(self, pattern: str, job: str, given: Mapping[str, object]) -> None:
        """Start a job of a pattern and return at once. The same name again starts nothing."""
        ...

    async def state(self, job: str) -> State:
        """Return the job's state, also while every worker is down; `UnknownJob` if not started."""
        ...

    async def send(self, job: str, event: str, value: object) -> None:
        """Deliver an outside event to a job, kept if no worker is there, dropped if it is over."""
        ...

    async def complete(self, token: str, value: object) -> None:
        """Complete a step that handed out `token` and went away (asynchronous completion).

        The first value stands, a repeat changes nothing; `BadRequest` if no step handed it out.
        """
        ...

    async def cancel(self, job: str) -> None:
        """Ask a job to stop."""
        ...

    async def history(self, job: str) -> Sequence[Happening]:
        """Return what happened in a finished job, in order."""
        ...

    async def size(self, job: str) -> int:
        """Return how much the engine keeps of a job now, in a unit of its own: events, bytes."""
        ...

    async def put_schedule(self, schedule: str, every_s: float) -> None:
        """Create a schedule that runs the step `tick` again and again, or change its period.

        A tick's ledger records carry the schedule's name as their job.
        """
        ...

    async def pause_schedule(self, schedule: str, *, paused: bool) -> None:
        """Stop the ticks, or let them go on; those missed meanwhile are not made up for."""
        ...

    async def trigger_schedule(self, schedule: str) -> None:
        """Start one tick now, paused or not."""
        ...

    async def delete_schedule(self, schedule: str) -> None:
        """Remove a schedule; no tick starts after those in flight."""
        ...

    async def close(self) -> None:
        """Let go of every connection."""
        ...
