"""The register of accepted jobs: which engine each is pinned to, and what it made."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from shared.domain.ids import JobId
from shared.domain.jobs import Artifact


class Acceptance(StrEnum):
    """A job is pending while its engine has not confirmed it; the first to decide wins."""

    PENDING = "pending"
    ACCEPTED = "accepted"
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True)
class RegisteredJob:
    """One row of the register; `request` is the job's JSON body."""

    job_id: JobId
    workload: str
    engine: str
    request: str
    acceptance: Acceptance
    created_at_s: float


class Jobs(Protocol):
    """Which jobs exist. The pin to an engine is written once and never changes."""

    def register(
        self, workload: str, engine: str, request: str, idempotency_key: str | None
    ) -> RegisteredJob:
        """Add a pending job, or return the one that this key already has.

        `Conflict` if the key came with another workload or body. A rejected job gives its key
        free.
        """
        ...

    def accept(self, job_id: JobId) -> bool:
        """Mark a pending job accepted; False if it had been rejected."""
        ...

    def reject(self, job_id: JobId) -> bool:
        """Mark a pending job rejected, so that it never runs; False if it was accepted already."""
        ...

    def get(self, job_id: JobId) -> RegisteredJob:
        """Return one job; `UnknownJob` if there is none or it was rejected."""
        ...

    def page(
        self, *, limit: int, before_s: float | None, engine: str | None, workload: str | None
    ) -> Sequence[RegisteredJob]:
        """Return jobs created before `before_s` that were not rejected, newest first."""
        ...

    def add_artifact(self, job_id: str, artifact: Artifact) -> None:
        """Record a file of a job; a repeat of the same name changes nothing."""
        ...

    def artifacts(self, job_id: str) -> Sequence[Artifact]:
        """Return a job's files by name."""
        ...
