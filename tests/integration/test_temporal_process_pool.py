"""What the SDK's process pool makes of a killed child; -s prints how long it took."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from temporalio.api.enums.v1 import EventType
from temporalio.client import Client

from tests.integration.pool_worker import QUEUE, PaintOnce
from tests.integration.temporal_cell import DevServer, kill_group, until

pytest_plugins = ("tests.integration.temporal_fixtures",)

_MODULE = "tests.integration.pool_worker"


@pytest.fixture
async def client(server: DevServer, namespaces: Iterator[str]) -> Client:
    namespace = next(namespaces)
    await server.ready(namespace)
    return await Client.connect(server.address, namespace=namespace)


@pytest.fixture
def workers(
    server: DevServer, client: Client, tmp_path: Path
) -> Iterator["list[subprocess.Popen[bytes]]"]:
    """Two workers with a child each."""
    command = [sys.executable, "-m", _MODULE, server.address, client.namespace, str(tmp_path)]
    with ExitStack() as exits, (tmp_path / "workers.log").open("wb") as log:
        started = []
        for _ in range(2):
            process = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)
            exits.callback(kill_group, process)
            started.append(process)
        yield started


async def _begun(folder: Path, attempt: int) -> tuple[int, float]:
    """Wait for an attempt; returns its process and when it began."""
    path = folder / f"attempt-{attempt}"
    await until(f"attempt {attempt} has begun", path.exists)
    pid, began_s = path.read_text().split()
    return int(pid), float(began_s)


async def test_a_killed_child_is_reported_at_once_and_takes_its_worker_with_it(
    client: Client, workers: "list[subprocess.Popen[bytes]]", tmp_path: Path
) -> None:
    """By the server's history: the attempt failed of its pool, not of the heartbeat timeout."""
    await until("both are ready", lambda: len(list(tmp_path.glob("ready-*"))) == 2)
    handle = await client.start_workflow(PaintOnce.run, str(tmp_path), id="paint", task_queue=QUEUE)
    first, _ = await _begun(tmp_path, 1)
    killed_s = time.time()
    os.kill(first, signal.SIGKILL)
    _, began_s = await _begun(tmp_path, 2)
    (tmp_path / "go").touch()
    assert await handle.result() == 2
    [started] = [
        event.activity_task_started_event_attributes
        async for event in handle.fetch_history_events()
        if event.event_type == EventType.EVENT_TYPE_ACTIVITY_TASK_STARTED
    ]
    assert started.last_failure.application_failure_info.type == "BrokenProcessPool"
    assert not started.last_failure.HasField("timeout_failure_info")

    def gone() -> list[int]:
        return [code for each in workers if (code := each.poll()) is not None]

    await until("the worker of the dead child has ended", lambda: len(gone()) == 1)
    assert gone() == [1]
    print(f"\nthe next attempt began {began_s - killed_s:.2f} s after the kill")
