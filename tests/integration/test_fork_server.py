"""Processes that are forked from a warm one behave as those that start by themselves."""

import asyncio
import json
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

from bench.arms.fork_server import MODULE as FORK_SERVER
from bench.arms.forked import ForkServer, fork_server
from bench.arms.supervisor import Managed, ProcessSpec, Supervisor

MODULE = "tests.integration.forked_child"

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux has subreapers")


def _spec(server: ForkServer | None, *arguments: str, **changes: float) -> ProcessSpec:
    return ProcessSpec(
        "worker",
        "test",
        [sys.executable, "-m", MODULE, *arguments],
        env={"OWN": "yes", "TMPDIR": "/"},
        stop_grace_s=0.5,
        forked_by=server,
        **changes,
    )


async def _until(condition: Callable[[], bool], limit_s: float = 20) -> None:
    give_up_at = time.monotonic() + limit_s
    while not condition():
        assert time.monotonic() < give_up_at
        await asyncio.sleep(0.02)


async def _said(place: Managed, times: int = 1) -> dict[str, Any]:
    await _until(lambda: place.log.exists() and place.log.read_text().count("\n") >= times)
    return json.loads(place.log.read_text().splitlines()[times - 1])  # type: ignore[no-any-return]


async def test_a_forked_process_is_ours_has_its_own_environment_and_imports_nothing(
    tmp_path: Path,
) -> None:
    async with Supervisor(tmp_path) as supervisor, fork_server([MODULE], {}, tmp_path / "s") as s:
        assert s is not None
        place = supervisor.start(_spec(s, "--one", "two words"))
        said = await _said(place)
    assert said["pid"] == said["group"] == place.pid
    assert said["parent"] == os.getpid()
    assert said["imported_by"] == s.pid
    assert (said["arguments"], said["own"]) == (["--one", "two words"], "yes")
    assert said["temporary"] == "/"


async def test_a_killed_one_is_forked_again_and_leaves_no_zombie(tmp_path: Path) -> None:
    async with Supervisor(tmp_path) as supervisor, fork_server([MODULE], {}, tmp_path / "s") as s:
        place = supervisor.start(_spec(s, restart_delay_s=0.1))
        first = await _said(place)
        os.kill(first["pid"], signal.SIGKILL)
        second = await _said(place, times=2)
        assert second["pid"] != first["pid"]
        await _until(lambda: not psutil.pid_exists(first["child"]))
        exit_ = next(event for event in supervisor.events if event.phase == "exit")
        assert exit_.detail == str(-signal.SIGKILL)
    for pid in (second["pid"], second["child"]):
        await _until(lambda pid=pid: not psutil.pid_exists(pid))


async def test_its_status_is_the_one_that_its_main_returned(tmp_path: Path) -> None:
    async with Supervisor(tmp_path) as supervisor, fork_server([MODULE], {}, tmp_path / "s") as s:
        place = supervisor.start(_spec(s, "--end"))
        await _until(place.exited)
        await _until(lambda: place.popen.returncode is not None)
        assert place.popen.returncode == 7


async def test_without_a_server_a_process_starts_by_itself(tmp_path: Path) -> None:
    async with (
        Supervisor(tmp_path) as supervisor,
        fork_server([MODULE], {"FAIL_TO_IMPORT": "1"}, tmp_path / "s") as failed,
        fork_server([MODULE], {}, tmp_path / "s") as killed,
    ):
        assert failed is None
        assert killed is not None
        os.kill(killed.pid, signal.SIGKILL)
        said = await _said(supervisor.start(_spec(killed)))
        assert said["imported_by"] == said["pid"]


async def test_a_server_forked_from_another_one_has_its_modules_and_its_own(tmp_path: Path) -> None:
    async with (
        Supervisor(tmp_path) as supervisor,
        fork_server([FORK_SERVER], {}, tmp_path / "root") as root,
        fork_server([MODULE], {"OF": "one"}, tmp_path / "one", forked_by=root) as one,
        fork_server([MODULE], {}, tmp_path / "two", forked_by=root) as two,
    ):
        assert root is not None
        assert one is not None
        assert two is not None
        assert len({root.pid, one.pid, two.pid}) == 3
        said = await _said(supervisor.start(_spec(one)))
        assert said["imported_by"] == one.pid
        assert said["parent"] == os.getpid()
        one.end()
        assert not psutil.pid_exists(one.pid)
        assert psutil.pid_exists(said["pid"])
        assert two.fork(MODULE, ["--end"], dict(os.environ), tmp_path / "log") is not None


async def test_where_the_other_server_is_gone_or_a_setting_is_wrong_it_starts_by_itself(
    tmp_path: Path,
) -> None:
    async with fork_server([FORK_SERVER], {}, tmp_path / "root") as root:
        assert root is not None
        wrong = {"FAIL_TO_IMPORT": "1"}
        async with fork_server([MODULE], wrong, tmp_path / "s", forked_by=root) as failed:
            assert failed is None
        os.kill(root.pid, signal.SIGKILL)
        async with fork_server([MODULE], {}, tmp_path / "s", forked_by=root) as server:
            assert server is not None


async def test_the_server_ends_with_whoever_started_it(tmp_path: Path) -> None:
    async with fork_server([MODULE], {}, tmp_path / "s") as server:
        assert server is not None
        pid = server.pid
    assert not psutil.pid_exists(pid)
