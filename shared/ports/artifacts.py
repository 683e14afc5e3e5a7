"""Content-addressed storage for files that steps make."""

from typing import Protocol


class Artifacts(Protocol):
    """Immutable blobs by the SHA-256 of their content; engines carry only the reference."""

    def put(self, data: bytes) -> str:
        """Store `data` and return its SHA-256 in hex; storing it again changes nothing."""
        ...

    def get(self, sha256: str) -> bytes:
        """Return the blob; `KeyError` if there is none or its content does not match."""
        ...
