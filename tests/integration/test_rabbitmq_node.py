"""The RabbitMQ node of a run, and what is left of it afterwards."""

import asyncio
import contextlib
from pathlib import Path

import psutil
import pytest

from bench.arms.ports import listening
from bench.arms.rabbitmq import why_no_rabbitmq
from bench.arms.services import start_rabbitmq
from bench.arms.supervisor import Supervisor

pytestmark = pytest.mark.skipif(bool(why_no_rabbitmq()), reason=why_no_rabbitmq())


def _of_the_node(folder: Path) -> list[psutil.Process]:
    """Its processes, the name server among them, by the home that they were given."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if process.environ().get("HOME") == str(folder / "home"):
                found.append(process)
    return found


async def test_a_node_that_is_killed_comes_back_on_its_port_and_none_outlives_the_run(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "rabbitmq"
    async with Supervisor(tmp_path / "logs") as supervisor:
        node = await start_rabbitmq(supervisor, folder)
        port = int(node.url.rstrip("/").rpartition(":")[2])
        names = {process.name() for process in _of_the_node(folder)}
        assert {"epmd", "beam.smp"} <= names
        node.managed.kill_group()
        async with asyncio.timeout(90):
            while not node.managed.restarts or not listening(port):
                await asyncio.sleep(0.1)
    async with asyncio.timeout(10):
        while any(p.status() != psutil.STATUS_ZOMBIE for p in _of_the_node(folder)):
            await asyncio.sleep(0.1)
