"""The forwarder between a worker and its server, on real sockets of the loopback."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from bench.arms.forwarder import Forwarder

LIMIT_S = 10.0
QUIET_S = 0.2


@asynccontextmanager
async def echo_server() -> AsyncIterator[int]:
    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while line := await reader.readline():
            writer.write(line)
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


@asynccontextmanager
async def link() -> AsyncIterator[Forwarder]:
    async with echo_server() as port, Forwarder("127.0.0.1", port) as forwarder:
        yield forwarder


async def said(reader: asyncio.StreamReader) -> bytes:
    async with asyncio.timeout(LIMIT_S):
        return await reader.readline()


async def nothing_comes(reader: asyncio.StreamReader) -> None:
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(QUIET_S):
            await reader.readline()


async def test_what_is_sent_arrives_and_the_answer_comes_back() -> None:
    async with link() as forwarder:
        reader, writer = await asyncio.open_connection("127.0.0.1", forwarder.port)
        writer.write(b"hello\n")
        assert await said(reader) == b"hello\n"
        assert forwarder.connections == 1
        writer.close()


async def test_a_reset_cuts_every_connection_and_the_next_one_works() -> None:
    async with link() as forwarder:
        open_now = [await asyncio.open_connection("127.0.0.1", forwarder.port) for _ in range(3)]
        for reader, writer in open_now:
            writer.write(b"here\n")
            assert await said(reader) == b"here\n"
        assert forwarder.reset() == 3
        for reader, _ in open_now:
            with pytest.raises(ConnectionResetError):
                await said(reader)
        reader, writer = await asyncio.open_connection("127.0.0.1", forwarder.port)
        writer.write(b"again\n")
        assert await said(reader) == b"again\n"
        assert forwarder.connections == 1


async def test_nothing_passes_a_partition_and_all_of_it_afterwards() -> None:
    async with link() as forwarder:
        reader, writer = await asyncio.open_connection("127.0.0.1", forwarder.port)
        writer.write(b"before\n")
        assert await said(reader) == b"before\n"
        forwarder.block()
        writer.write(b"during\n")
        await nothing_comes(reader)
        newcomer_reader, newcomer = await asyncio.open_connection("127.0.0.1", forwarder.port)
        newcomer.write(b"new\n")
        await nothing_comes(newcomer_reader)
        forwarder.unblock()
        assert await said(reader) == b"during\n"
        assert await said(newcomer_reader) == b"new\n"


async def test_what_is_forgotten_is_silent_for_good_and_is_not_reset() -> None:
    async with link() as forwarder:
        reader, writer = await asyncio.open_connection("127.0.0.1", forwarder.port)
        writer.write(b"before\n")
        assert await said(reader) == b"before\n"
        assert forwarder.forget() == 1
        assert forwarder.connections == 0
        writer.write(b"into the void\n")
        await nothing_comes(reader)
        newcomer_reader, newcomer = await asyncio.open_connection("127.0.0.1", forwarder.port)
        newcomer.write(b"new\n")
        assert await said(newcomer_reader) == b"new\n"
        assert forwarder.connections == 1
        assert not reader.at_eof()
        writer.close()
        newcomer.close()


async def test_a_delay_holds_each_message_up_and_loses_none() -> None:
    async with link() as forwarder:
        reader, writer = await asyncio.open_connection("127.0.0.1", forwarder.port)
        forwarder.delay_s = QUIET_S
        began = asyncio.get_running_loop().time()
        writer.write(b"slowly\n")
        assert await said(reader) == b"slowly\n"
        # There and back.
        assert asyncio.get_running_loop().time() - began >= 2 * QUIET_S


async def test_a_server_that_is_down_is_a_reset_and_a_later_connection_works() -> None:
    async with echo_server() as port:
        pass
    async with Forwarder("127.0.0.1", port) as forwarder:
        reader, _ = await asyncio.open_connection("127.0.0.1", forwarder.port)
        with pytest.raises(ConnectionResetError):
            await said(reader)
        assert forwarder.connections == 0


async def test_a_client_that_hangs_up_is_hung_up_upstream() -> None:
    async with link() as forwarder:
        reader, writer = await asyncio.open_connection("127.0.0.1", forwarder.port)
        writer.write(b"bye\n")
        assert await said(reader) == b"bye\n"
        writer.close()
        async with asyncio.timeout(LIMIT_S):
            while forwarder.connections:
                await asyncio.sleep(0.01)


async def test_leaving_it_ends_every_connection() -> None:
    async with link() as forwarder:
        reader, writer = await asyncio.open_connection("127.0.0.1", forwarder.port)
        writer.write(b"here\n")
        assert await said(reader) == b"here\n"
    with pytest.raises(ConnectionResetError):
        await said(reader)
