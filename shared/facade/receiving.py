"""Writes a request's body to disk as it arrives, within bounds of size and time."""

import asyncio
import contextlib
import hashlib
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from shared.domain.errors import BadRequest

_PREFIX = "changeover-upload-"
_WRITE_BYTES = 2**20
_LEFTOVER_S = 6 * 3600.0


class TooLarge(BadRequest):
    """The file is over the limit; send a smaller one."""


class TooSlow(BadRequest):
    """The file arrived too slowly; send it again over a faster connection."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How slow an upload may be. Without a bound, a few idle clients would hold every socket."""

    silence_s: float = 20.0
    """The longest time between two pieces."""
    bytes_per_s: float = 64 * 1024
    """The largest file that is allowed may take as long as it takes at this rate."""

    def longest_s(self, limit_bytes: int) -> float:
        """Return how long an upload may take as a whole, in seconds."""
        return self.silence_s + limit_bytes / self.bytes_per_s


@dataclass(frozen=True, slots=True)
class Received:
    """A file that has arrived as a whole; `size` in bytes."""

    path: Path
    sha256: str
    size: int


@asynccontextmanager
async def received(
    body: AsyncIterator[bytes], limit_bytes: int, pace: Pace
) -> AsyncIterator[Received]:
    """Write `body` to a temporary file, which is gone when the context ends, however it ends.

    `TooLarge` as soon as one byte over the limit has arrived, whatever the client had announced;
    `TooSlow`; `OSError` if there is no room.
    """
    with tempfile.NamedTemporaryFile(prefix=_PREFIX) as file:
        yield await _write(body, file, limit_bytes, pace)


async def _write(
    body: AsyncIterator[bytes], file: IO[bytes], limit_bytes: int, pace: Pace
) -> Received:
    digest, size, pending = hashlib.sha256(), 0, bytearray()
    now = asyncio.get_running_loop().time
    end = now() + pace.longest_s(limit_bytes)
    try:
        async with asyncio.timeout(pace.silence_s) as patience:
            async for piece in body:
                size += len(piece)
                if size > limit_bytes:
                    raise too_large(limit_bytes)
                pending += piece
                if len(pending) >= _WRITE_BYTES:
                    await asyncio.to_thread(_append, file, digest, pending)
                    pending = bytearray()
                patience.reschedule(min(now() + pace.silence_s, end))
    except TimeoutError:
        raise TooSlow from None
    await asyncio.to_thread(_append, file, digest, pending)
    return Received(Path(file.name), digest.hexdigest(), size)


def _append(file: IO[bytes], digest: Any, data: bytearray) -> None:
    file.write(data)
    file.flush()
    digest.update(data)


def too_large(limit_bytes: int) -> TooLarge:
    """Return the error that names the limit."""
    return TooLarge(f"the file is too large; send one of at most {limit_bytes} bytes")


def remove_leftovers() -> None:
    """Remove what a killed process left behind; what another process still writes is younger."""
    for path in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        with contextlib.suppress(OSError):
            if time.time() - path.stat().st_mtime > _LEFTOVER_S:
                path.unlink()
