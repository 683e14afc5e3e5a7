"""Counts the SQL transactions of one image job on each engine: `python -m tools.transactions`.

The arms are those of the bench, real servers and processes on a simulated GPU. A transaction is the
job's if a statement of it names the job. What reads the job to show it is not counted.
"""

import argparse
import asyncio
import json
import os
import sys
import tempfile
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from bench.arms.backends import start_backends
from bench.arms.supervisor import Supervisor
from bench.arms.topology import Arm, Topology
from bench.trials.live_arms import ArmPlan, LiveArm, running_arms
from shared.adapters.ledger import SqlLedger
from shared.adapters.sql import connect
from shared.domain.jobs import IMAGE_GENERATION
from shared.domain.status import RecordKind
from shared.policy import NOTIFY_USER
from tools.transactions.sitecustomize import FOLDER

_HERE = Path(__file__).parent
_LIMIT_S = 60.0
_SETTLE_S = 1.0
_SHOWS = ("shared.facade.", "shared.adapters.ledger:SqlLedger.of_job")
ENGINES = ("celery", "temporal")


@dataclass(frozen=True, slots=True)
class Purpose:
    """What some transactions are for."""

    name: str
    by: tuple[str, ...]
    needed: str


@dataclass(frozen=True, slots=True)
class Transaction:
    """One transaction: whether it may write, and what it is for, sorted as the purposes are."""

    write: bool
    purposes: tuple[Purpose, ...]

    @property
    def first(self) -> Purpose:
        """What it is for before all else."""
        return self.purposes[0]


def read_purposes() -> list[Purpose]:
    """Return the purposes that are known, in the order in which they are listed."""
    rows = tomllib.loads((_HERE / "purposes.toml").read_text())["purposes"]
    return [Purpose(row["name"], tuple(row["by"]), row["needed"]) for row in rows]


def of_job(lines: Iterable[str], job_id: str, purposes: Sequence[Purpose]) -> list[Transaction]:
    """Return the transactions that name the job; `LookupError` if nobody knows what one is for."""
    found = []
    for line in lines:
        row = json.loads(line)
        if any(job_id in asked["parameters"] for asked in row["asked"]):
            whys = {_purpose(asked, purposes) for asked in row["asked"]}
            found.append(Transaction(row["write"], tuple(why for why in purposes if why in whys)))
    return found


def _purpose(asked: Mapping[str, str], purposes: Sequence[Purpose]) -> Purpose:
    # The kind is the first column of a ledger's row; of several in one statement, the first.
    progress = f"'{RecordKind.PROGRESS}'" in asked["parameters"][:40]
    by = f"{asked['by']}{' progress' if progress else ''}"
    matches = [(len(each), why) for why in purposes for each in why.by if by.startswith(each)]
    if not matches:
        raise LookupError(f"{by} asks for {asked['statement']!r}; give it a purpose")
    return max(matches, key=lambda match: match[0])[1]


def table(counted: Mapping[str, Sequence[Transaction]]) -> str:
    """Return the Markdown table: an engine a column, a row for what transactions are for.

    What is changed in the same transaction has no row of its own: it costs none.
    """
    lines = [
        "| | for | in the same transaction |"
        f" {' | '.join(engine.capitalize() for engine in counted)} |"
        " an application of your own needs it |",
        f"|---|---|---|{'---:|' * len(counted)}---|",
    ]
    for write, word in ((True, "writes"), (False, "reads")):
        for purpose in read_purposes():
            found = {
                engine: [each for each in all_ if (each.write, each.first) == (write, purpose)]
                for engine, all_ in counted.items()
            }
            if any(found.values()):
                every = {other for each in found.values() for t in each for other in t.purposes[1:]}
                beside = "; ".join(other.name for other in read_purposes() if other in every)
                numbers = " | ".join(str(len(each)) for each in found.values())
                lines.append(
                    f"| {word} | {purpose.name} | {beside} | {numbers} | {purpose.needed} |"
                )
        sums = (sum(each.write is write for each in found) for found in counted.values())
        lines.append(f"| **{word}** | all | | {' | '.join(f'**{n}**' for n in sums)} | |")
    return "\n".join(lines)


async def count(
    engine: str, job: Mapping[str, Any], step_s: float, folder: Path
) -> list[Transaction]:
    """Run one job on the hardened arm of an engine and return its transactions."""
    seen = folder / "transactions"
    seen.mkdir(parents=True)
    # To be inherited by the processes of the arm; this one has been started already.
    os.environ |= {FOLDER: str(seen), "PYTHONPATH": _with_hook(os.environ.get("PYTHONPATH", ""))}
    arm = Arm(engine, "hardened")
    async with Supervisor(folder / "logs") as supervisor:
        backends = await start_backends(supervisor, folder, [engine], [arm.slug], own_sink=True)
        env = {"CHANGEOVER_COMPUTE": "simulated", "CHANGEOVER_SIMULATED_STEP_S": str(step_s)}
        topology = Topology(gpu_workers=1)
        plan = ArmPlan(arm, arm.slug, backends, topology, [IMAGE_GENERATION], env)
        async with running_arms(supervisor, [plan], folder) as live:
            job_id = await _run(live[0], job)
    lines = (line for path in seen.iterdir() for line in path.read_text().splitlines())
    return of_job(_not_shown(lines), job_id, read_purposes())


def _not_shown(lines: Iterable[str]) -> Iterable[str]:
    return (line for line in lines if not json.loads(line)["asked"][0]["by"].startswith(_SHOWS))


async def _run(live: LiveArm, job: Mapping[str, Any]) -> str:
    """Run a job to its end, looked at in the ledger so that nobody asks for its view."""
    async with httpx.AsyncClient(base_url=live.stack.url, timeout=5) as client:
        answer = await client.post("/v1/jobs/image-generation", json=job)
        job_id: str = answer.raise_for_status().json()["job_id"]
    ledger = SqlLedger(connect(live.stack.database_url))
    async with asyncio.timeout(_LIMIT_S):
        while not any(
            (record.step, record.kind) == (NOTIFY_USER, RecordKind.FINISHED)
            for record in ledger.of_job(job_id)
        ):
            await asyncio.sleep(0.1)
    await asyncio.sleep(_SETTLE_S)
    return job_id


def _with_hook(path: str) -> str:
    return os.pathsep.join([str(_HERE), *(part for part in path.split(os.pathsep) if part)])


async def _main() -> None:
    parser = argparse.ArgumentParser(prog="tools.transactions", description=__doc__)
    parser.add_argument("--pictures", type=int, default=1)
    parser.add_argument("--steps", type=int, default=20, help="denoising steps a picture")
    parser.add_argument("--step-s", type=float, default=0.1, help="seconds a denoising step")
    asked = parser.parse_args()
    job = {"prompt": "a red circle", "user_id": "u", "n": asked.pictures, "steps": asked.steps}
    with tempfile.TemporaryDirectory() as folder:
        counted = {
            engine: await count(engine, job, asked.step_s, Path(folder) / engine)
            for engine in ENGINES
        }
    print(table(counted))


if __name__ == "__main__":
    sys.exit(asyncio.run(_main()))
