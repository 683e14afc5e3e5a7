"""What one job asks of its engine's server, and what an arm asks while it has nothing to do."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import httpx

from bench.arms.addresses import Backends
from bench.arms.asked import HEARTBEATS, actions, commands
from bench.arms.ports import free_port
from bench.arms.services import start_effect_sink, start_redis, start_temporal
from bench.arms.supervisor import Supervisor
from bench.arms.topology import Arm, Topology
from bench.errors import NotFit
from bench.trials.live_arms import ArmPlan, LiveArm, running_arms
from shared.domain.jobs import IMAGE_GENERATION
from shared.domain.status import JobStatus

_SETTLE_S = 3.0
"""Temporal's server hands its counters to its metrics once a second."""
_POLL_S = 1.0
_SPARE_S = 60.0


@dataclass(frozen=True, slots=True)
class Job:
    """What is priced: one job of `n` pictures that take so many seconds each."""

    n: int
    picture_s: float
    step_s: float

    @property
    def body(self) -> dict[str, object]:
        """The request."""
        steps = max(1, round(self.picture_s / self.step_s))
        return {"prompt": "a red circle", "user_id": "price", "n": self.n, "steps": steps}


@dataclass(frozen=True, slots=True)
class Price:
    """One arm's. `a_job` is by kind; what an idle arm asks in the same time is taken off it."""

    arm: str
    unit: str
    """`actions` or `commands`."""
    seconds: float
    """From the submission to the job's end."""
    a_job: dict[str, float]
    idle_a_minute: dict[str, float]

    @property
    def total(self) -> float:
        """Everything that the job asked for."""
        return sum(self.a_job.values())

    @property
    def heartbeats(self) -> float:
        """Of it, heartbeats that reached the server."""
        return self.a_job.get(HEARTBEATS, 0.0)


async def price_arms(
    arms: Sequence[Arm], job: Job, budget_s: float, idle_s: float, folder: Path
) -> list[Price]:
    """Run one job on every arm, all at once; `NotFit` if one does not succeed."""
    async with Supervisor(folder / "logs") as supervisor:
        sink = await start_effect_sink(supervisor, folder / "effects")
        plans, readers = [], []
        for arm in arms:
            backends, reader = await _server(
                supervisor, folder / "servers" / arm.slug, arm, sink.url
            )
            plans.append(_plan(arm, job, budget_s, backends))
            readers.append(reader)
        async with running_arms(supervisor, plans, folder) as live:
            pairs = zip(live, readers, strict=True)
            return list(await asyncio.gather(*(_price(*pair, job, idle_s) for pair in pairs)))


async def _server(
    supervisor: Supervisor, folder: Path, arm: Arm, effects_url: str
) -> tuple[Backends, Callable[[], Counter[str]]]:
    """Start a server for this arm alone, and return how to read what it was asked."""
    if arm.engine == "temporal":
        port = free_port()
        served = await start_temporal(
            supervisor, folder, [arm.slug], ("--metrics-port", str(port)), arm=arm.name
        )
        address = served.address
        url = f"http://127.0.0.1:{port}/metrics"
        return Backends(effects_url, {arm.engine: address}, {}), lambda: actions(url, arm.slug)
    redis = await start_redis(supervisor, folder, arm.name)
    return Backends(effects_url, {arm.engine: redis.url}, {}), lambda: commands(redis.url)


def _plan(arm: Arm, job: Job, budget_s: float, backends: Backends) -> ArmPlan:
    return ArmPlan(
        arm=arm,
        namespace=arm.slug,
        backends=backends,
        topology=Topology(gpu_workers=job.n, detection_budget_s=budget_s),
        workloads=[IMAGE_GENERATION],
        env={"CHANGEOVER_COMPUTE": "simulated", "CHANGEOVER_SIMULATED_STEP_S": str(job.step_s)},
    )


async def _price(live: LiveArm, read: Callable[[], Counter[str]], job: Job, idle_s: float) -> Price:
    arm = live.stack.arm
    # A first job opens the connections of every later one.
    await _run(live, replace(job, picture_s=job.step_s))
    await asyncio.sleep(_SETTLE_S)
    before = await asyncio.to_thread(read)
    await asyncio.sleep(idle_s)
    idle = (began := await asyncio.to_thread(read)) - before
    seconds = await _run(live, job)
    await asyncio.sleep(_SETTLE_S)
    asked = (await asyncio.to_thread(read)) - began
    idle_share = (seconds + _SETTLE_S) / idle_s
    return Price(
        arm=arm.name,
        unit="actions" if arm.engine == "temporal" else "commands",
        seconds=seconds,
        a_job={kind: asked[kind] - idle[kind] * idle_share for kind in sorted(asked)},
        idle_a_minute={kind: idle[kind] / idle_s * 60 for kind in sorted(idle)},
    )


async def _run(live: LiveArm, job: Job) -> float:
    """Run one job to its end and return how long it took."""
    began = time.monotonic()
    limit_s = job.n * job.picture_s * 2 + _SPARE_S
    status = "submitted"
    async with httpx.AsyncClient(base_url=live.stack.url, timeout=5) as client:
        answer = await client.post("/v1/jobs/image-generation", json=job.body)
        url = answer.raise_for_status().json()["status_url"]
        while time.monotonic() - began < limit_s:
            status = (await client.get(url)).raise_for_status().json()["status"]
            if status == JobStatus.SUCCEEDED:
                return time.monotonic() - began
            if JobStatus(status).terminal:
                break
            await asyncio.sleep(_POLL_S)
    raise NotFit(f"{live.stack.arm.name}: the job is {status} after {limit_s:g} s at most")
