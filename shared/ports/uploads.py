"""The register of files that clients have brought: one a slot, written once."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Upload:
    """One file of a job; `sha256` is its key in the artifact store."""

    slot: str
    sha256: str
    media_type: str
    size: int
    """In bytes."""


class Uploads(Protocol):
    """Which file fills which slot of which job. The first file wins and is never replaced."""

    def offer(self, job_id: str, upload: Upload) -> Upload:
        """Fill a slot and return what fills it now.

        The same file again changes nothing. `Conflict` if another file fills the slot.
        """
        ...

    def of_job(self, job_id: str) -> Mapping[str, Upload]:
        """Return the job's files by slot."""
        ...

    def finish(self, job_id: str) -> None:
        """Remember that the job is over, from when on its files are kept for a while only."""
        ...

    def forget_finished(self, before_s: float, remove: Callable[[str], None]) -> int:
        """Forget some files of jobs that were over before this Unix time; return how many, or 0.

        `remove` is called with the hash of each file that no other job uses, and no file can be
        offered meanwhile: one that is offered later, and stored after that, is not removed. If it
        raises, nothing is forgotten, and a repeat removes the same files again.
        """
        ...
