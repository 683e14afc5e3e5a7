"""Carries one worker's connections to its server, and can cut, hold up or slow them.

A packet filter would need root and a network namespace; a forwarder on the loopback needs neither
and leaves nothing behind.
"""

import asyncio
import contextlib
import socket
import struct
from types import TracebackType
from typing import Self

_CHUNK_BYTES = 1 << 16
_LINGER_NO_SECONDS = struct.pack("ii", 1, 0)


class Forwarder:
    """Listens on a free port of the loopback. Use as an async context manager."""

    def __init__(self, host: str, port: int) -> None:
        """Forward to `host`:`port`."""
        self._upstream = (host, port)
        self._server: asyncio.Server | None = None
        self._carrying: set[asyncio.Task[None]] = set()
        self._writers: set[asyncio.StreamWriter] = set()
        self._forgotten: set[asyncio.StreamWriter] = set()
        self._open = asyncio.Event()
        self._open.set()
        self.delay_s = 0.0
        """How much later each chunk is passed on, in each direction."""

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._server is not None:
            self._server.close()
        self.reset()
        for task in list(self._carrying):
            task.cancel()
        await asyncio.gather(*self._carrying, return_exceptions=True)

    @property
    def port(self) -> int:
        """Where it listens; only once it was entered."""
        assert self._server is not None
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    @property
    def connections(self) -> int:
        """How many it carries now, without those that it has forgotten."""
        return len(self._writers - self._forgotten) // 2

    def reset(self) -> int:
        """Reset every connection, in both directions; return how many there were."""
        cut = self.connections
        for writer in self._writers:
            _reset(writer)
        return cut

    def forget(self) -> int:
        """Carry nothing on today's connections any more and close none; return how many there are.

        As a firewall does that has lost their state: whoever waits for an answer waits for ever,
        and a new connection is as good as any.
        """
        found = self.connections
        self._forgotten |= self._writers
        return found

    def block(self) -> None:
        """Let no byte pass and answer no new connection, as a partition does."""
        self._open.clear()

    def unblock(self) -> None:
        """Let everything pass again, also what was held up."""
        self._open.set()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._carrying.add(task)
        try:
            await self._open.wait()
            upstream_reader, upstream_writer = await asyncio.open_connection(*self._upstream)
            self._writers |= {writer, upstream_writer}
            try:
                async with asyncio.TaskGroup() as both:
                    both.create_task(self._pump(reader, upstream_writer))
                    both.create_task(self._pump(upstream_reader, writer))
            finally:
                self._writers -= {writer, upstream_writer}
                self._forgotten -= {writer, upstream_writer}
                upstream_writer.transport.abort()
        except (OSError, ExceptionGroup):
            # Refused, reset, or hung up: the other side is told the same.
            _reset(writer)
        finally:
            self._carrying.discard(task)
            writer.transport.abort()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while chunk := await reader.read(_CHUNK_BYTES):
            await self._open.wait()
            if self.delay_s:
                await asyncio.sleep(self.delay_s)
            if writer in self._forgotten:
                continue
            writer.write(chunk)
            await writer.drain()
        if writer in self._forgotten:
            return
        with contextlib.suppress(OSError):
            writer.write_eof()


def _reset(writer: asyncio.StreamWriter) -> None:
    """Close with RST rather than FIN: lingering for no seconds drops what is unsent."""
    raw = writer.get_extra_info("socket")
    with contextlib.suppress(OSError):
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_NO_SECONDS)
    writer.transport.abort()
