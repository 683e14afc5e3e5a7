"""Starts and ends the load process of one cell."""

import asyncio
import json
import os
import signal
import sys
import time
from pathlib import Path

from bench.arms.supervisor import Managed, ProcessSpec, Supervisor
from bench.load.plan import PLAN_VARIABLE, LoadPlan, write_plan
from bench.record.history import ClientOp, OpPhase

# More users than jobs can be in flight: a user that waits for its job never holds up an arrival.
_USERS = 100
_POLL_S = 0.1


def start_load(supervisor: Supervisor, arm: str, url: str, plan: LoadPlan, folder: Path) -> Managed:
    """Start Locust with this plan against the facade at `url`."""
    folder.mkdir(parents=True, exist_ok=True)
    plan_path = folder / f"{plan.cell.replace('/', '-')}.json"
    write_plan(plan_path, plan)
    return supervisor.start(
        ProcessSpec(
            name="locust",
            role="load",
            arm=arm,
            argv=[
                *(sys.executable, "-m", "locust"),
                *("-f", str(Path(__file__).with_name("locustfile.py"))),
                *("--headless", "--only-summary", "--loglevel", "WARNING"),
                *("--host", url),
                *("--users", str(_USERS), "--spawn-rate", str(_USERS)),
            ],
            env={PLAN_VARIABLE: str(plan_path)},
            stop_grace_s=5,
        )
    )


def end_arrivals(load: Managed) -> None:
    """Let no further job arrive; the process goes on until those in flight are over."""
    if not load.exited():
        os.kill(load.pid, signal.SIGUSR1)


async def until_drained(loads: list[Managed], limit_s: float) -> None:
    """Return when every load process has seen its jobs to their end, or after `limit_s`."""
    give_up_at = time.monotonic() + limit_s
    while time.monotonic() < give_up_at and not all(load.exited() for load in loads):
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
