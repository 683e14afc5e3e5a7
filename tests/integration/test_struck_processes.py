"""Every fault that strikes a process whatever it does, on real ones: seen, and undone."""

import asyncio
import contextlib
import sys
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bench.arms.forwarder import Forwarder
from bench.arms.ledger_tail import LedgerTail
from bench.arms.process_table import children_of, state_of
from bench.arms.supervisor import Managed, ProcessSpec, Supervisor
from bench.arms.topology import Arm, Stack
from bench.faults.carrying_out import FaultLog
from bench.faults.fault import NOBODY, Fault, FaultContext, NotStruck, Observation
from bench.faults.registry import FAULTS
from bench.record.history import FaultPhase
from shared.adapters.ledger import SqlLedger
from shared.adapters.sql import connect, create_tables
from shared.domain.records import AttemptRecord
from shared.domain.status import RecordKind

LIMIT_S = 20.0
PARENT = (
    "import subprocess, sys, time\n"
    "while True: subprocess.run([sys.executable, '-c', 'import time; time.sleep(600)'])"
)


class World:
    """One worker, `cpu-0`, with a child, and a ledger."""

    def __init__(self, supervisor: Supervisor, folder: Path) -> None:
        database = connect(f"sqlite:///{folder / 'test.db'}")
        create_tables(database)
        self.ledger = SqlLedger(database)
        self.links: dict[str, Forwarder] = {}
        self.worker = supervisor.start(
            ProcessSpec("cpu-0", "cpu", [sys.executable, "-c", PARENT], restart_delay_s=0.1)
        )
        self.stack = Stack(Arm("celery", "hardened"), "", "", folder, self.worker, [self.worker])
        self.tail = LedgerTail(self.ledger, keep=False)

    def fault(self, name: str) -> Fault:
        """The fault, aimed at the worker whatever it is doing."""
        context = FaultContext("cell", self.stack, self.tail, 2.0, links=self.links, hold_s=0.1)
        target = replace(NOBODY, worker="cpu-0", pid=self.worker.pid)
        return FAULTS[name](context, target)

    def begin(self, pid: int, name: str = "attempt") -> None:
        self.ledger.append(AttemptRecord(RecordKind.STARTED, "job", "step", 1, name, "cpu-0", pid))


async def until(holds: Any, what: str) -> None:
    give_up_at = time.monotonic() + LIMIT_S
    while not holds():
        assert time.monotonic() < give_up_at, what
        await asyncio.sleep(0.02)


def child_of(worker: Managed) -> int | None:
    """Its child, once that runs a program of its own: until then vfork(2) holds the parent."""
    for child in children_of(worker.pid):
        with contextlib.suppress(OSError):
            if Path(f"/proc/{child}/cmdline").read_bytes().endswith(b"time.sleep(600)\0"):
                return child
    return None


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with Supervisor(tmp_path / "logs") as supervisor:
        world = World(supervisor, tmp_path)
        await until(lambda: child_of(world.worker), "the worker has a child")
        yield world


async def test_a_kill_takes_the_group_and_names_the_attempts_that_were_open(world: World) -> None:
    child, parent = child_of(world.worker), world.worker.pid
    assert child is not None
    world.begin(child, "open")
    world.begin(child, "over")
    ended = AttemptRecord(RecordKind.FINISHED, "job", "step", 1, "over", "cpu-0", child)
    world.ledger.append(ended)
    world.begin(2**22 + 1, "of a process that is gone")
    log = FaultLog("cell")
    assert await log.carry_out(world.fault("sigkill"), "cell#1", "cpu")
    assert world.worker.pid != parent
    await until(lambda: state_of(child) in ("", "Z"), "its child is dead too")
    seen = [(event.phase, event.attempt_id, event.trial, event.part_of) for event in log.events]
    assert seen == [
        (FaultPhase.INJECTED, "", "cell#1", ""),
        (FaultPhase.CONFIRMED, "", "cell#1", ""),
        (FaultPhase.INJECTED, "open", "cell#1/1", "cell#1"),
        (FaultPhase.CONFIRMED, "open", "cell#1/1", "cell#1"),
        (FaultPhase.HEALED, "", "cell#1", ""),
    ]
    assert {event.role for event in log.events} == {"cpu"}


async def test_a_kill_of_a_child_leaves_its_parent(world: World) -> None:
    child, parent = child_of(world.worker), world.worker.pid
    fault = world.fault("child-sigkill")
    await fault.strike()
    await until(lambda: child_of(world.worker) not in (None, child), "it has another child")
    assert (world.worker.pid, fault.healed()) == (parent, True)
    assert fault.observed().detail == f"child {child}"


async def test_a_frozen_worker_is_stopped_and_goes_on(world: World) -> None:
    fault = world.fault("zombie")
    await fault.strike()
    assert state_of(world.worker.pid) == "T"
    await fault.hold()
    fault.heal()
    await until(lambda: state_of(world.worker.pid) != "T", "it goes on")


async def test_a_worker_that_is_told_to_stop_is_replaced(world: World) -> None:
    fault = world.fault("sigterm")
    await fault.strike()
    await fault.hold()
    await until(fault.healed, "another process is in its place")


async def test_who_is_down_already_is_missed(world: World) -> None:
    world.worker.held = True
    await world.fault("sigkill").strike()
    for fault in ("sigkill", "zombie", "sigterm"):
        with pytest.raises(NotStruck, match="down"):
            await world.fault(fault).strike()
    world.worker.held = False


@pytest.mark.parametrize("name", ["connection-reset", "partition", "link-blackhole"])
async def test_a_connection_is_cut_only_where_there_is_one(world: World, name: str) -> None:
    server = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
    async with server, Forwarder(*server.sockets[0].getsockname()) as link:
        world.links = {"cpu-0": link}
        alone = world.fault(name)
        await alone.strike()
        assert not alone.observed().struck
        alone.heal()
        _, writer = await asyncio.open_connection("127.0.0.1", link.port)
        await until(lambda: link.connections, "the link carries")
        fault = world.fault(name)
        await fault.strike()
        assert fault.observed() == Observation(True, "1 connections")
        fault.heal()
        writer.close()
