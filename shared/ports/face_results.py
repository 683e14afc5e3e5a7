"""The table of finished comparisons."""

from typing import Protocol


class FaceResults(Protocol):
    """One row per idempotency key, written once."""

    def save(self, key: str, job_id: str, result_json: str) -> str:
        """Store a result under `key`; return what is stored, now or by an earlier call."""
        ...

    def get(self, key: str) -> str | None:
        """Return the result stored under `key`, None if there is none yet."""
        ...
