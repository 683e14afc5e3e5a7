"""Content-addressed storage for files that steps make."""

from pathlib import Path
from typing import Protocol


class Artifacts(Protocol):
    """Immutable blobs by the SHA-256 of their content; engines carry only the reference."""

    def put(self, data: bytes) -> str:
        """Store `data` and return its SHA-256 in hex; storing it again changes nothing."""
        ...

    def put_file(self, path: Path) -> str:
        """Store a local file, which is never in memory as a whole, and return its SHA-256."""
        ...

    def remove(self, sha256: str) -> None:
        """Remove a blob; one that is not there is no error."""
        ...

    def get(self, sha256: str) -> bytes:
        """Return the blob; `KeyError` if there is none or its content does not match."""
        ...
