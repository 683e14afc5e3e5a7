"""Every fault of a soak on real processes: seen to strike, and undone."""

import asyncio
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from bench.arms.forwarder import Forwarder
from bench.arms.ledger_tail import LedgerTail
from bench.arms.supervisor import Managed, ProcessSpec, Supervisor
from bench.arms.topology import Arm, Stack
from bench.scenario.soak import Role, SoakFault
from bench.trials.soak.arms import SoakArm
from bench.trials.soak.schedule import Strike
from bench.trials.soak.strikes import Blow, Missed
from shared.adapters.ledger import SqlLedger
from shared.adapters.sql import connect, create_tables
from shared.domain.records import AttemptRecord
from shared.domain.status import RecordKind

LIMIT_S = 20.0
PARENT = (
    "import subprocess, sys, time\n"
    "while True: subprocess.run([sys.executable, '-c', 'import time; time.sleep(600)'])"
)


class Ground:
    """One worker, `gpu-0`, with a child, and a ledger."""

    def __init__(self, supervisor: Supervisor, folder: Path) -> None:
        database = connect(f"sqlite:///{folder / 'test.db'}")
        create_tables(database)
        self.ledger = SqlLedger(database)
        self.worker = supervisor.start(
            ProcessSpec("gpu-0", "gpu", [sys.executable, "-c", PARENT], restart_delay_s=0.1)
        )
        stack = Stack(Arm("celery", "hardened"), "", "", folder, self.worker, [self.worker])
        tail = LedgerTail(self.ledger, keep=False)
        self.arm = SoakArm(stack, self.ledger, tail, self.worker)

    def blow(self, fault: SoakFault) -> Blow:
        strike = Strike(1, 0.0, fault, Role.GPU, 0)
        return Blow(self.arm, strike, 0.1, self.worker, self.worker.pid)

    def begin(self, pid: int, name: str = "attempt") -> None:
        self.ledger.append(AttemptRecord(RecordKind.STARTED, "job", "step", 1, name, "gpu-0", pid))


async def until(holds: Any, what: str) -> None:
    give_up_at = time.monotonic() + LIMIT_S
    while not holds():
        assert time.monotonic() < give_up_at, what
        await asyncio.sleep(0.02)


def child_of(worker: Managed) -> int | None:
    children = Path(f"/proc/{worker.pid}/task/{worker.pid}/children").read_text().split()
    return int(children[0]) if children else None


def state_of(pid: int) -> str:
    """The letter of proc(5), empty if there is no such process."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return ""


@pytest.fixture
async def ground(tmp_path: Path) -> AsyncIterator[Ground]:
    async with Supervisor(tmp_path / "logs") as supervisor:
        ground = Ground(supervisor, tmp_path)
        await until(lambda: child_of(ground.worker), "the worker has a child")
        yield ground


async def test_a_kill_takes_the_group_and_names_the_attempts_that_were_open(ground: Ground) -> None:
    child = child_of(ground.worker)
    assert child is not None
    ground.begin(child, "open")
    ground.begin(child, "over")
    ended = AttemptRecord(RecordKind.FINISHED, "job", "step", 1, "over", "gpu-0", child)
    ground.ledger.append(ended)
    ground.begin(2**22 + 1, "of a process that is gone")
    blow = ground.blow(SoakFault.SIGKILL)
    await blow.inject()
    assert [records[0].attempt_id for records in blow.victims] == ["open"]
    await until(blow.healed, "another process is in its place")
    assert ground.worker.pid != blow.pid
    await until(lambda: state_of(child) in ("", "Z"), "its child is dead too")


async def test_a_kill_of_a_child_leaves_its_parent(ground: Ground) -> None:
    child, parent = child_of(ground.worker), ground.worker.pid
    blow = ground.blow(SoakFault.CHILD_SIGKILL)
    await blow.inject()
    await until(lambda: child_of(ground.worker) not in (None, child), "it has another child")
    assert (ground.worker.pid, blow.healed()) == (parent, True)


async def test_a_frozen_worker_is_stopped_and_goes_on(ground: Ground) -> None:
    blow = ground.blow(SoakFault.FREEZE)
    await blow.inject()
    assert state_of(ground.worker.pid) == "T"
    await blow.hold()
    blow.undo()
    await until(lambda: state_of(ground.worker.pid) != "T", "it goes on")


async def test_a_worker_that_is_told_to_stop_is_replaced(ground: Ground) -> None:
    blow = ground.blow(SoakFault.SIGTERM)
    await blow.inject()
    await blow.hold()
    await until(blow.healed, "another process is in its place")


async def test_who_is_down_already_is_missed(ground: Ground) -> None:
    ground.worker.held = True
    await ground.blow(SoakFault.SIGKILL).inject()
    for fault in (SoakFault.SIGKILL, SoakFault.FREEZE, SoakFault.SIGTERM):
        with pytest.raises(Missed, match="down"):
            await ground.blow(fault).inject()
    ground.worker.held = False


@pytest.mark.parametrize("fault", [SoakFault.CONNECTION_RESET, SoakFault.PARTITION])
async def test_a_connection_is_cut_only_where_there_is_one(
    ground: Ground, fault: SoakFault
) -> None:
    server = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
    async with server, Forwarder(*server.sockets[0].getsockname()) as link:
        ground.arm.links = {"gpu-0": link}
        with pytest.raises(Missed, match="no connection"):
            await ground.blow(fault).inject()
        _, writer = await asyncio.open_connection("127.0.0.1", link.port)
        await until(lambda: link.connections, "the link carries")
        blow = ground.blow(fault)
        await blow.inject()
        assert blow.detail == "1 connections"
        blow.undo()
        writer.close()
