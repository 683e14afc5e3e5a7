"""What an engine provides to one running attempt of a step."""

from enum import StrEnum
from typing import Protocol


class StopReason(StrEnum):
    """Why a running attempt must stop at its next step boundary."""

    CANCELLED = "cancelled"
    """The client cancelled the job."""
    SUPERSEDED = "superseded"
    """The engine has given the step to a later attempt, or has closed the job."""
    WORKER_STOPPING = "worker_stopping"
    """This worker was told to stop and its grace is over."""


class StepHost(Protocol):
    """One attempt as its engine sees it.

    Temporal's server gives all of this; Celery's adapter has to build it.
    """

    def begin(self) -> None:
        """Note that this attempt begins, in the caller's transaction."""
        ...

    @property
    def attempt(self) -> int:
        """The number of this attempt, from 1, once it has begun."""
        ...

    def heartbeat(self, done: int, total: int, checkpoint: str | None) -> None:
        """Tell the engine that the attempt is alive, how far it is, and where to resume.

        `checkpoint` is always the newest that is known; an engine that keeps only the last
        heartbeat must not lose it.
        """
        ...

    def resume_ref(self) -> str | None:
        """Return the checkpoint that an earlier attempt left with the engine."""
        ...

    def finish(self, result: str) -> None:
        """Keep the step's result (JSON), in the caller's transaction, if that is where it goes."""
        ...

    def stop_reason(self) -> StopReason | None:
        """Say why to stop, None to go on. Cheap enough to ask at every progress step."""
        ...
