"""What held a Redis server up, as its own latency monitor says."""

import asyncio
from typing import Any
from urllib.parse import urlsplit

THRESHOLD_MS = 10
"""From here on the server notes what held it up; by default it notes nothing."""
_LIMIT_S = 0.5


async def latest(url: str) -> dict[str, tuple[int, float]]:
    """Return by event when it last held the server up, in Unix seconds, and for how many seconds.

    `OSError`, `TimeoutError` or `ValueError` of a server that does not answer so.
    Source: redis.io, LATENCY LATEST; latency.c, latencyCommandReplyWithLatestEvents.
    """
    address = urlsplit(url)
    async with asyncio.timeout(_LIMIT_S):
        reader, writer = await asyncio.open_connection(address.hostname, address.port or 6379)
        try:
            writer.write(b"LATENCY LATEST\r\n")
            rows = await _reply(reader)
        finally:
            writer.close()
    return {row[0]: (row[1], row[2] / 1000) for row in rows}


async def _reply(reader: asyncio.StreamReader) -> Any:
    """Read one value of the protocol: an array, a string or a number."""
    line = await reader.readline()
    match line[:1]:
        case b"*":
            return [await _reply(reader) for _ in range(int(line[1:]))]
        case b"$":
            return (await reader.readexactly(int(line[1:]) + 2))[:-2].decode()
        case b":":
            return int(line[1:])
        case _:
            raise ValueError(f"no answer to LATENCY LATEST: {line!r}")
