"""A worker whose link to Redis is half-open: no byte comes, and nobody says that it is gone."""

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from celery_impl.engine import create_engine
from shared.domain.jobs import IMAGE_GENERATION
from shared.domain.status import JobStatus
from tests.integration.celery_lab import Lab, over, until


class Link:
    """Carries connections to a port, and forgets those it has when told: new ones work."""

    def __init__(self, port: int) -> None:
        self._upstream = port
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listening.getsockname()[1]
        self._pairs: list[tuple[socket.socket, socket.socket]] = []
        self._silent: set[socket.socket] = set()
        threading.Thread(target=self._accept, daemon=True).start()

    def go_silent(self) -> None:
        """Swallow whatever comes on the connections that are open now, in both directions."""
        self._silent |= {end for pair in self._pairs for end in pair}

    @property
    def addresses(self) -> set[str]:
        """What the server knows the connections by."""
        return {"{}:{}".format(*server.getsockname()) for _, server in self._pairs}

    def close(self) -> None:
        self._listening.close()
        for end in (end for pair in self._pairs for end in pair):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listening.accept()
                server = socket.create_connection(("127.0.0.1", self._upstream))
                self._pairs.append((client, server))
                for source, target in ((client, server), (server, client)):
                    threading.Thread(target=self._carry, args=(source, target), daemon=True).start()

    def _carry(self, source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while chunk := source.recv(65536):
                if source not in self._silent:
                    target.sendall(chunk)
            if source not in self._silent:
                target.shutdown(socket.SHUT_WR)


@pytest.fixture
def link() -> Iterator[list[Link]]:
    links: list[Link] = []
    yield links
    for each in links:
        each.close()


async def test_a_waiting_worker_notices_it_and_takes_the_next_job(
    tmp_path: Path, link: list[Link]
) -> None:
    """With kombu's own interval it was deaf for 59 s; the limit of this wait is shorter."""
    lab = Lab(tmp_path, "tuned", detection_budget_s=6.0)
    engine = create_engine(lab.settings)
    try:
        lab.start()
        lab.worker("cpu", "cpu-0")
        link.append(Link(lab.redis_port))
        redis_url = f"redis://127.0.0.1:{link[0].port}/0"
        gpu = lab.worker("gpu", "gpu-0", redis_url=redis_url)
        until(lambda: "ready" in gpu.log.read_text(), "it consumes")
        await engine.start()
        job_id, request = lab.register(steps=2)
        await engine.submit(job_id, IMAGE_GENERATION, request)
        assert (await over(engine, job_id)).status is JobStatus.SUCCEEDED
        link[0].go_silent()
        # What Redis gives to a consumer that hears nothing is lost, so not while one is waited for.
        until(lambda: not _waits(lab, link[0]), "its last BRPOP is over")
        job_id, request = lab.register(steps=2)
        await engine.submit(job_id, IMAGE_GENERATION, request)
        async with asyncio.timeout(40):
            assert (await over(engine, job_id)).status is JobStatus.SUCCEEDED
    finally:
        await engine.close()
        lab.stop()


def _waits(lab: Lab, link: Link) -> bool:
    clients = lab.queues.redis.client_list()
    return any("b" in each["flags"] for each in clients if each["addr"] in link.addresses)
