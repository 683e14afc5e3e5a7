"""Faults on real processes: each is seen to strike, and nothing of it is left once it is healed."""

import asyncio
import sqlite3
import sys
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bench.arms.clock import library, settable
from bench.arms.ledger_tail import tail_of
from bench.arms.supervisor import Managed, ProcessSpec, Supervisor
from bench.arms.topology import Arm, Stack
from bench.faults.fault import FaultContext
from bench.faults.kinds.clock import ClockStep
from bench.faults.kinds.power import PowerCut
from bench.faults.kinds.storage import DatabaseLocked, DiskFull
from shared.adapters.ledger import SqlLedger
from shared.adapters.sql import connect, create_tables
from shared.domain.records import AttemptRecord
from shared.domain.status import RecordKind

LIMIT_S = 20.0
IDLER = "import time; time.sleep(300)"
# Appends a line every 10 ms, where it can.
WRITER = """
import contextlib, sys, time
while True:
    with contextlib.suppress(OSError), open(sys.argv[1], "a") as out:
        out.write("line\\n")
    time.sleep(0.01)
"""
# Appends its clocks to a file every 10 ms.
CLOCK = """
import sys, time
while True:
    with open(sys.argv[1], "a") as out:
        out.write(f"{time.time()} {time.monotonic()}\\n")
    time.sleep(0.01)
"""


@pytest.fixture
async def supervisor(tmp_path: Path) -> AsyncIterator[Supervisor]:
    async with Supervisor(tmp_path / "logs") as running:
        yield running


def _start(
    supervisor: Supervisor, name: str, role: str, program: str = IDLER, *arguments: str, **env: str
) -> Managed:
    argv = [sys.executable, "-c", program, *arguments]
    return supervisor.start(
        ProcessSpec(name, role, argv, env=env, restart_delay_s=0.1, stop_grace_s=0.5)
    )


def _context(
    folder: Path, worker: Managed, facade: Managed, server: Managed | None = None
) -> FaultContext:
    url = f"sqlite:///{folder / 'changeover.db'}"
    create_tables(connect(url))
    stack = Stack(Arm("celery", "hardened"), "", url, folder, facade, [worker])
    return FaultContext("cell", stack, tail_of(url), 5.0, server)


def _write(context: FaultContext, kind: RecordKind, **changes: Any) -> AttemptRecord:
    pid = context.stack.workers[0].pid
    record = AttemptRecord(kind, "job", "generate_image/0", 1, "a1", "gpu-0", pid, 5, 20)
    record = replace(record, **changes)
    SqlLedger(connect(context.stack.database_url)).append(record)
    context.tail.refresh()
    return record


async def _until(condition: Callable[[], bool]) -> None:
    give_up_at = time.monotonic() + LIMIT_S
    while not condition():
        assert time.monotonic() < give_up_at
        await asyncio.sleep(0.02)


async def test_a_locked_database_takes_no_write_until_the_lock_is_given_back(
    tmp_path: Path, supervisor: Supervisor
) -> None:
    idler = _start(supervisor, "gpu-0", "gpu")
    context = _context(tmp_path, idler, idler)
    fault = DatabaseLocked(context, _write(context, RecordKind.WORKING))
    other = sqlite3.connect(tmp_path / "changeover.db", isolation_level=None, timeout=0.0)
    try:
        await fault.strike()
        assert fault.observed().struck
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            other.execute("BEGIN IMMEDIATE")
        assert not fault.healed()
    finally:
        fault.heal()
    _write(context, RecordKind.PROGRESS, done=6)
    assert fault.healed()


async def test_a_database_that_is_never_free_is_a_missed_fault(
    tmp_path: Path, supervisor: Supervisor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bench.faults.kinds.storage._LOCK_WITHIN_S", 0.05)
    idler = _start(supervisor, "gpu-0", "gpu")
    context = _context(tmp_path, idler, idler)
    fault = DatabaseLocked(context, _write(context, RecordKind.WORKING))
    other = sqlite3.connect(tmp_path / "changeover.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(TimeoutError, match="never free"):
        await fault.strike()
    fault.heal()
    other.execute("ROLLBACK")
    _write(context, RecordKind.PROGRESS, done=6)


@pytest.mark.skipif(bool(DiskFull.facts.absent), reason="no prlimit")
async def test_a_full_disk_takes_no_byte_until_it_is_healed(
    tmp_path: Path, supervisor: Supervisor
) -> None:
    written = tmp_path / "written"
    writer = _start(supervisor, "gpu-0", "gpu", WRITER, str(written))
    context = _context(tmp_path, writer, writer)
    await _until(lambda: written.exists() and written.stat().st_size > 0)
    fault = DiskFull(context, _write(context, RecordKind.WORKING))
    try:
        await fault.strike()
        assert fault.observed().struck
        full_at = written.stat().st_size
        await asyncio.sleep(0.2)
        assert written.stat().st_size == full_at
    finally:
        fault.heal()
    await _until(lambda: written.stat().st_size > full_at)
    assert fault.healed()


async def test_a_power_cut_ends_everything_at_once_and_heals_when_all_of_it_is_back(
    tmp_path: Path, supervisor: Supervisor
) -> None:
    server = _start(supervisor, "redis", "server")
    facade = _start(supervisor, "facade", "facade")
    worker = _start(supervisor, "gpu-0", "gpu")
    context = _context(tmp_path, worker, facade, server)
    before = {place: place.pid for place in (server, facade, worker)}
    fault = PowerCut(context, _write(context, RecordKind.WORKING))
    await fault.strike()
    assert fault.observed().struck
    await _until(lambda: all(place.pid != pid for place, pid in before.items()))
    assert not fault.healed()
    _write(context, RecordKind.MODEL_LOADED, job_id="", attempt_id="load")
    assert fault.healed()


@pytest.mark.skipif(library() is None, reason="no libfaketime that fits this system")
async def test_a_clock_steps_forward_and_back_and_no_other_clock_moves(
    tmp_path: Path, supervisor: Supervisor
) -> None:
    ticks = tmp_path / "ticks"
    env = settable(tmp_path, "gpu-0")
    worker = _start(supervisor, "gpu-0", "gpu", CLOCK, str(ticks), **env)
    context = _context(tmp_path, worker, worker)
    await _until(lambda: _ahead_s(ticks) is not None)
    right = time.time() - time.monotonic()
    fault = ClockStep(context, _write(context, RecordKind.WORKING))
    try:
        strike = asyncio.create_task(fault.strike())
        await _until(lambda: abs((_ahead_s(ticks) or 0.0) - 3600.0) < 1)
        _write(context, RecordKind.PROGRESS, done=6, wall_s=time.time() + 3600.0)
        await strike
        assert fault.observed().struck
    finally:
        fault.heal()
    await _until(lambda: abs(_ahead_s(ticks) or 0.0) < 1)
    assert abs(time.time() - time.monotonic() - right) < 1


def _ahead_s(ticks: Path) -> float | None:
    """How far the wall clock of the last tick is ahead; its monotonic clock is everybody's."""
    lines = ticks.read_text().splitlines() if ticks.exists() else []
    if not lines or len(lines[-1].split()) != 2:
        return None
    wall_s, mono_s = map(float, lines[-1].split())
    assert mono_s <= time.monotonic() < mono_s + LIMIT_S
    return wall_s - mono_s - (time.time() - time.monotonic())
