"""Runs one stage: all its arms side by side, through one cell after another."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from bench.cell import CellOutcome, LiveArm, run_cell
from bench.chaos.ledger_tail import tail_of
from bench.errors import NotFit
from bench.history import History, ProcessEvent
from bench.pictures import Picture, keep_pictures
from bench.run_info import ServiceInfo
from bench.scenario import Scenario, Stage
from bench.supervisor import Supervisor
from bench.topology import Arm, Backends, Stack, Topology, await_ready, start_stack
from shared.domain.jobs import IMAGE_GENERATION, Bound, EffectiveSetting

_WARM_UP_LIMIT_S = 90.0


@dataclass(slots=True)
class StageOutcome:
    """What a stage left behind."""

    history: History = field(default_factory=History)
    settings: dict[str, list[EffectiveSetting]] = field(default_factory=dict)
    bounds: dict[str, dict[str, Bound]] = field(default_factory=dict)
    services: dict[str, ServiceInfo] = field(default_factory=dict)
    """What each engine's server said of itself, by engine."""
    pictures: list[Picture] = field(default_factory=list)


async def run_stage(
    supervisor: Supervisor,
    backends: dict[str, Backends],
    scenario: Scenario,
    stage: Stage,
    *,
    number: int,
    run_id: str,
    folder: Path,
    say: Callable[[str], None],
) -> StageOutcome:
    """Run a stage and end its processes. `backends` are by arm."""
    outcome = StageOutcome()
    say(f"{stage.compute}: starting {len(stage.arms)} arms")
    async with _running_arms(supervisor, backends, scenario, stage, folder) as arms:
        for arm in arms:
            await _ask(arm.stack, outcome)
        say(f"{stage.compute}: warming up")
        await asyncio.gather(*(_warm_up(arm.stack, stage) for arm in arms))
        for index, plan in enumerate(stage.cells):
            trials = f", {plan.trials} an arm" if plan.trials else ""
            say(f"{stage.compute}: {plan.fault}{trials}")
            cells = await run_cell(
                supervisor,
                arms,
                stage,
                plan,
                seed=scenario.seed + 100 * number + index,
                faults_at_once=stage.faults_at_once,
                run_id=run_id,
                folder=folder / "load",
            )
            for cell in cells:
                outcome.history.ops += cell.ops
                outcome.history.faults += cell.faults
                outcome.history.finals += cell.finals
            outcome.pictures += await _pictures(stage, cells, folder)
        for arm in arms:
            arm.tail.refresh()
            outcome.history.attempts += arm.tail.records
            # Worker names repeat from arm to arm, and a pool's child has no event of its own.
            outcome.history.processes += [
                ProcessEvent(
                    arm=arm.stack.arm.name,
                    name=load.worker,
                    role="gpu",
                    pid=load.pid,
                    phase="model_loaded",
                    wall_s=load.wall_s,
                    mono_s=load.mono_s,
                    detail=load.detail,
                )
                for load in arm.tail.model_loads
            ]
    return outcome


@asynccontextmanager
async def _running_arms(
    supervisor: Supervisor,
    backends: dict[str, Backends],
    scenario: Scenario,
    stage: Stage,
    folder: Path,
) -> AsyncIterator[list[LiveArm]]:
    topology = topology_of(scenario, stage)
    stacks = [
        start_stack(
            supervisor,
            arm=arm,
            engines=[arm.engine],
            workloads=[IMAGE_GENERATION],  # a restart loads the models of all that is served
            topology=topology,
            backends=backends[arm.name],
            folder=folder / "arms" / f"{stage.compute}-{arm.slug}",
            namespace=namespace_of(stage, arm),
            env={
                "CHANGEOVER_COMPUTE": stage.compute,
                "CHANGEOVER_SIMULATED_STEP_S": str(stage.step_s),
                "CHANGEOVER_SIMULATED_LOAD_S": str(stage.load_s),
            },
        )
        for arm in stage.parsed_arms
    ]
    tails: list[asyncio.Task[None]] = []
    try:
        await asyncio.gather(*(await_ready(stack) for stack in stacks))
        arms = [LiveArm(stack, tail_of(stack.database_url)) for stack in stacks]
        tails = [asyncio.create_task(arm.tail.follow()) for arm in arms]
        yield arms
    finally:
        for task in tails:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
        await supervisor.stop([place for stack in stacks for place in stack.processes])


def namespace_of(stage: Stage, arm: Arm) -> str:
    """Return the namespace that keeps one arm of one stage apart from all others."""
    return f"{stage.compute}-{arm.slug}"


def topology_of(scenario: Scenario, stage: Stage) -> Topology:
    """Return the topology that every arm of the stage gets."""
    return Topology(
        gpu_workers=stage.gpu_workers,
        cpu_workers=1,
        cpu_slots=scenario.cpu_slots,
        restart_delay_s=scenario.restart_delay_s,
        stop_grace_s=scenario.stop_grace_s,
        detection_budget_s=stage.detection_budget_s,
    )


async def _ask(stack: Stack, outcome: StageOutcome) -> None:
    """Ask an arm for its settings, its bounds and its server."""
    arm = stack.arm
    async with httpx.AsyncClient(base_url=stack.url, timeout=10) as client:
        settings = (await client.get("/v1/operator/settings")).raise_for_status().json()
        bounds = (await client.get("/v1/operator/bounds")).raise_for_status().json()
        health = (await client.get("/readyz")).raise_for_status().json()["health"]
    outcome.settings[arm.name] = [EffectiveSetting(**setting) for setting in settings]
    outcome.bounds[arm.name] = {fault: Bound(**bound) for fault, bound in bounds.items()}
    outcome.services[arm.engine] = ServiceInfo(arm.engine, health["server"], health["persistence"])


async def _warm_up(stack: Stack, stage: Stage) -> None:
    """Run one job to its end; `NotFit` if an arm cannot even do that. It is not counted."""
    body = {
        "prompt": "a red circle on a blue background",
        "user_id": "warm-up",
        "n": max(stage.job.n),
        "steps": stage.job.steps,
        "seed": 1,
        "width": stage.job.width,
        "height": stage.job.height,
    }
    try:
        async with (
            asyncio.timeout(_WARM_UP_LIMIT_S),
            httpx.AsyncClient(base_url=stack.url, timeout=10) as client,
        ):
            accepted = await client.post("/v1/jobs/image-generation", json=body)
            url = accepted.raise_for_status().json()["status_url"]
            while True:
                view = (await client.get(url)).raise_for_status().json()
                if view["status"] == "succeeded":
                    return
                if view["status"] in ("failed", "cancelled", "timed_out"):
                    raise NotFit(f"{stack.arm.name}: the warm-up job {view['status']}: {view}")
                await asyncio.sleep(0.2)
    except (httpx.HTTPError, TimeoutError) as error:
        raise NotFit(f"{stack.arm.name} cannot run a job: {error!r}; see its logs") from error


async def _pictures(stage: Stage, cells: list[CellOutcome], folder: Path) -> list[Picture]:
    if stage.compute == "simulated":
        return []
    kept: list[Picture] = []
    for cell in cells:
        kept += await keep_pictures(cell.arm.stack, cell.requests, cell.struck, folder / "images")
    return kept
