"""The engine as the facade and the bench see it: one facade, two engines."""

from typing import Protocol

from shared.domain.ids import JobId
from shared.domain.impact import Impact
from shared.domain.jobs import (
    Bound,
    EffectiveSetting,
    EngineHealth,
    EngineTrace,
    EngineView,
)


class Engine(Protocol):
    """Every call is bounded in time (under 2 s) and raises `EngineUnavailable` past that."""

    @property
    def name(self) -> str:
        """`celery` or `temporal`."""
        ...

    async def start(self) -> None:
        """Prepare clients. Must succeed while the engine's server is down."""
        ...

    async def close(self) -> None:
        """Release clients."""
        ...

    async def submit(self, job_id: JobId, workload: str, request: str) -> None:
        """Hand the job to the engine. Idempotent on `job_id`; `request` is the job's JSON."""
        ...

    async def view(self, job_id: JobId) -> EngineView:
        """Return what the engine knows of a job; answers while every worker is down."""
        ...

    async def provide(self, job_id: JobId, slot: str, sha256: str) -> None:
        """Tell a waiting job that a file has arrived, which the facade has checked and stored.

        The same file again changes nothing. `JobOver` if the job takes no more files.
        """
        ...

    async def review(self, job_id: JobId, *, approved: bool, reviewer: str) -> None:
        """Give a job in review the verdict of a person; the first verdict stands.

        The same verdict of the same reviewer again changes nothing. `JobOver` if the job is not
        in review (any more).
        """
        ...

    async def cancel(self, job_id: JobId) -> None:
        """Ask for a stop at the next step boundary; a finished job is left as it is.

        The view of a job that is stuck says that its cancel waits.
        """
        ...

    async def health(self) -> EngineHealth:
        """Ask the server whether it is there; never raises."""
        ...

    async def trace(self, job_id: JobId) -> EngineTrace:
        """Say whether the engine still holds the job, so that lost can be told from late."""
        ...

    async def stuck_jobs(self) -> int:
        """Count the open jobs that cannot go on by themselves, as the server itself reports them.

        `EngineUnavailable` also where the server does not report them.
        """
        ...

    def bounds(self) -> dict[Impact, Bound]:
        """Return the recovery bound by impact, computed from the effective settings."""
        ...

    def settings(self) -> list[EffectiveSetting]:
        """Return every engine setting in force."""
        ...

    def ui_url(self, job_id: JobId, workload: str) -> str | None:
        """Return a link to the engine's own page of this job, None without such a page."""
        ...
