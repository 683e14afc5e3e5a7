"""Starts and ends the load process of a cell."""

import asyncio
import json
import os
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from bench.arms.supervisor import Managed, ProcessSpec, Supervisor
from bench.load.plan import PLAN_VARIABLE, USERS, LoadPlan, write_plans
from bench.record.history import ClientOp, OpPhase

_POLL_S = 0.1
_LOCUSTFILE = Path(__file__).with_name("locustfile.py")


def start_load(supervisor: Supervisor, plans: Sequence[LoadPlan], folder: Path) -> Managed:
    """Start Locust with these plans, one an arm: one process sends to all of them."""
    folder.mkdir(parents=True, exist_ok=True)
    path = ops_path(folder, plans[0].cell).with_suffix(".json")
    write_plans(path, plans)
    return supervisor.start(
        ProcessSpec(
            name="locust",
            role="load",
            argv=[
                *(sys.executable, "-m", "locust", "-f", str(_LOCUSTFILE)),
                *("--headless", "--only-summary", "--loglevel", "WARNING"),
                *("--users", str(USERS * len(plans)), "--spawn-rate", str(USERS * len(plans))),
            ],
            env={PLAN_VARIABLE: str(path)},
            stop_grace_s=5,
        )
    )


def end_arrivals(load: Managed) -> None:
    """Let no further job arrive; the process goes on until those in flight are over."""
    if not load.exited():
        os.kill(load.pid, signal.SIGUSR1)


async def until_drained(load: Managed, limit_s: float) -> None:
    """Return when the load process has seen its jobs to their end, or after `limit_s`."""
    give_up_at = time.monotonic() + limit_s
    while time.monotonic() < give_up_at and not load.exited():
        await asyncio.sleep(_POLL_S)


def ops_path(folder: Path, cell: str) -> Path:
    """Return where the client operations of a cell are recorded."""
    return folder / f"{cell.replace('/', '-')}.jsonl"


def read_ops(path: Path) -> list[ClientOp]:
    """Read the client operations that a load process recorded; a torn last line is left out."""
    ops: list[ClientOp] = []
    if not path.exists():
        return ops
    for line in path.read_text().splitlines():
        try:
            row = json.loads(line)
        except json.JSONDecodeError:
            continue
        ops.append(ClientOp(**{**row, "phase": OpPhase(row["phase"])}))
    return ops
