"""The arms of a stage while it runs: their servers, links and processes."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from bench.arms.addresses import Backends
from bench.arms.backends import start_own_server
from bench.arms.clock import settable
from bench.arms.forwarder import Forwarder
from bench.arms.ledger_tail import LedgerTail, tail_of
from bench.arms.supervisor import Managed, Supervisor
from bench.arms.topology import Arm, Stack, Topology, await_ready, start_stack
from bench.scenario.model import Scenario, Stage


@dataclass(slots=True)
class LiveArm:
    """One arm while a stage runs. `links` carry its GPU workers' connections, by worker name."""

    stack: Stack
    tail: LedgerTail
    server: Managed | None = None
    links: Mapping[str, Forwarder] = field(default_factory=dict)


@asynccontextmanager
async def running_arms(
    supervisor: Supervisor,
    backends: Mapping[str, Backends],
    scenario: Scenario,
    stage: Stage,
    folder: Path,
) -> AsyncIterator[list[LiveArm]]:
    """Start all arms of a stage, wait until they are ready, and end what then runs.

    `backends` are by arm.
    """
    async with contextlib.AsyncExitStack() as exits:
        if stage.own_servers:
            backends = await _own_servers(exits, supervisor, backends, stage, folder)
        # Entered first, left last: the links carry until the workers are gone.
        links = {
            arm: [
                await exits.enter_async_context(
                    Forwarder(*backends[arm.name].address_of(arm.engine))
                )
                for _ in range(stage.gpu_workers if stage.needs_links else 0)
            ]
            for arm in stage.parsed_arms
        }
        processes: list[Managed] = []
        exits.push_async_callback(supervisor.stop, processes)
        arms: list[LiveArm] = []
        for arm in stage.parsed_arms:
            by_worker = {f"gpu-{number}": link for number, link in enumerate(links[arm])}
            stack = _start(supervisor, backends[arm.name], scenario, stage, arm, folder, by_worker)
            processes += stack.processes
            tail = tail_of(stack.database_url)
            arms.append(LiveArm(stack, tail, backends[arm.name].server, by_worker))
        await asyncio.gather(*(await_ready(live.stack) for live in arms))
        for live in arms:
            exits.push_async_callback(_end, asyncio.create_task(live.tail.follow()))
        yield arms


async def _own_servers(
    exits: contextlib.AsyncExitStack,
    supervisor: Supervisor,
    backends: Mapping[str, Backends],
    stage: Stage,
    folder: Path,
) -> dict[str, Backends]:
    """Start a server for each arm, stopped when the stage is over."""
    own: dict[str, Backends] = {}
    servers: list[Managed] = []
    exits.push_async_callback(supervisor.stop, servers)
    for arm in stage.parsed_arms:
        namespace = namespace_of(stage, arm)
        own[arm.name] = await start_own_server(
            supervisor,
            folder / "servers" / namespace,
            backends[arm.name],
            arm.engine,
            namespace,
            arm.name,
        )
        servers += [server for server in [own[arm.name].server] if server is not None]
    return own


async def _end(task: asyncio.Task[None]) -> None:
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


def _start(
    supervisor: Supervisor,
    backends: Backends,
    scenario: Scenario,
    stage: Stage,
    arm: Arm,
    folder: Path,
    links: Mapping[str, Forwarder],
) -> Stack:
    arm_folder = folder / "arms" / namespace_of(stage, arm)
    return start_stack(
        supervisor,
        arm=arm,
        engines=[arm.engine],
        workloads=stage.workloads,  # a restart loads the models of all that is served
        topology=topology_of(scenario, stage),
        backends=backends,
        folder=arm_folder,
        namespace=namespace_of(stage, arm),
        env={
            "CHANGEOVER_COMPUTE": stage.compute,
            "CHANGEOVER_SIMULATED_STEP_S": str(stage.step_s),
            "CHANGEOVER_SIMULATED_LOAD_S": str(stage.load_s),
            **stage.env,
        },
        worker_env=_worker_env(stage, arm, backends, arm_folder, links),
    )


def _worker_env(
    stage: Stage, arm: Arm, backends: Backends, folder: Path, links: Mapping[str, Forwarder]
) -> dict[str, dict[str, str]]:
    """What sets single GPU workers apart: a link of their own, a clock of their own."""
    env = {name: backends.through(arm.engine, link.port).env() for name, link in links.items()}
    if stage.own_clocks:
        for name in (f"gpu-{number}" for number in range(stage.gpu_workers)):
            env[name] = {**env.get(name, {}), **settable(folder, name)}
    return env


def namespace_of(stage: Stage, arm: Arm) -> str:
    """Return the namespace that keeps one arm of one stage apart from all others."""
    return f"{stage.id}-{arm.slug}"


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
