"""A worker is frozen beside its transactions, not inside one."""

import sqlite3
import sys
from pathlib import Path

import pytest

from bench.arms.supervisor import ProcessSpec, Supervisor
from bench.faults.kinds.freeze import stop_between_transactions

# Writes four fifths of the time.
WRITER = """
import sqlite3, sys, time
database = sqlite3.connect(sys.argv[1], isolation_level=None, timeout=30)
while True:
    database.execute("BEGIN IMMEDIATE")
    database.execute("INSERT INTO written VALUES (1)")
    time.sleep(0.02)
    database.execute("COMMIT")
    time.sleep(0.005)
"""


@pytest.mark.skipif(not Path("/proc/locks").exists(), reason="only Linux tells who holds a lock")
async def test_whoever_is_frozen_keeps_nobody_else_out_of_the_database(tmp_path: Path) -> None:
    database = sqlite3.connect(tmp_path / "shared.db", isolation_level=None, timeout=0.0)
    database.execute("PRAGMA journal_mode=WAL")
    database.execute("CREATE TABLE written (number INTEGER)")
    spec = ProcessSpec("writer", "gpu", [sys.executable, "-c", WRITER, str(tmp_path / "shared.db")])
    async with Supervisor(tmp_path / "logs") as supervisor:
        writer = supervisor.start(spec)
        while not database.execute("SELECT count(*) FROM written").fetchone()[0]:
            assert not writer.exited()
        for _ in range(20):
            await stop_between_transactions(writer)
            try:
                database.execute("INSERT INTO written VALUES (2)")
            finally:
                writer.continue_group()
