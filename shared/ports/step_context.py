"""What a step function gets: the port that makes one code base serve both engines."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Protocol


class StepContext(Protocol):
    """One attempt as the business logic sees it."""

    @property
    def job_id(self) -> str: ...

    @property
    def step(self) -> str:
        """The step's name, unique in its job (`generate_image/1`)."""
        ...

    @property
    def attempt(self) -> int:
        """The number of this attempt, from 1."""
        ...

    @property
    def idempotency_key(self) -> str:
        """`job_id/step`: the same across retries, engine runs and resets."""
        ...

    def progress(self, done: int, total: int) -> None:
        """Report progress, renew the lease, and stop if this attempt must.

        Raises `JobCancelled`, `Superseded` or `WorkerStopping`.
        """
        ...

    def checkpoint(self, ref: str) -> None:
        """Remember `ref` as the point to resume from; sent with the next `progress`."""
        ...

    def resume_from(self) -> str | None:
        """Return the newest checkpoint of an earlier attempt, None for a fresh start."""
        ...

    def together(self) -> AbstractContextManager[None]:
        """Make what is changed in the database inside one transaction, if no error is raised."""
        ...

    def at_commit(self, change: Callable[[], None]) -> None:
        """Make a change of the database in the transaction that commits the step's result."""
        ...

    def apply(self, effect: str, amount: int | None = None) -> None:
        """Apply an effect under this step's idempotency key, if the step is still ours.

        Raises `Superseded`, or `EffectFailed` if the world did not confirm.
        """
        ...
