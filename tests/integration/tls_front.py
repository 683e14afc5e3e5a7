"""TLS in front of a server that speaks none, with certificates of the test's own."""

import asyncio
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import trustme


@dataclass(frozen=True)
class Front:
    """Where it listens, and the PEM files of a client that it lets in."""

    address: str
    ca: Path
    cert: Path
    key: Path
    strange_ca: Path
    """An authority that signed nothing here."""
    strange_cert: Path
    strange_key: Path


@contextmanager
def tls_front(upstream: str, folder: Path) -> Iterator[Front]:
    """Let in whoever has a client certificate by the test's authority, and carry it upstream."""
    ca, strange_ca = trustme.CA(), trustme.CA()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    ca.issue_cert("localhost").configure_cert(context)
    ca.configure_trust(context)
    context.verify_mode = ssl.CERT_REQUIRED
    # gRPC speaks HTTP/2 and nothing else.
    context.set_alpn_protocols(["h2"])
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    port = asyncio.run_coroutine_threadsafe(_serve(upstream, context), loop).result(10)
    folder.mkdir()
    try:
        yield Front(
            f"localhost:{port}",
            _written(folder / "ca.pem", ca.cert_pem),
            *_client(folder, "client", ca),
            _written(folder / "strange-ca.pem", strange_ca.cert_pem),
            *_client(folder, "strange-client", strange_ca),
        )
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)


async def _serve(upstream: str, context: ssl.SSLContext) -> int:
    host, _, port = upstream.rpartition(":")

    async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        up_reader, up_writer = await asyncio.open_connection(host, int(port))
        await asyncio.gather(_pump(reader, up_writer), _pump(up_reader, writer))

    server = await asyncio.start_server(carry, "127.0.0.1", 0, ssl=context)
    listening_on: int = server.sockets[0].getsockname()[1]
    return listening_on


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while chunk := await reader.read(1 << 16):
            writer.write(chunk)
            await writer.drain()
    writer.close()


def _client(folder: Path, name: str, ca: trustme.CA) -> tuple[Path, Path]:
    issued = ca.issue_cert("worker@changeover.test")
    return (
        _written(folder / f"{name}.pem", issued.cert_chain_pems[0]),
        _written(folder / f"{name}.key", issued.private_key_pem),
    )


def _written(path: Path, pem: trustme.Blob) -> Path:
    pem.write_to_path(str(path))
    return path
