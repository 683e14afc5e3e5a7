"""The arms of a part of a scenario while it runs: their servers, links and processes."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from bench.arms.addresses import Backends
from bench.arms.backends import start_own_server
from bench.arms.clock import settable
from bench.arms.fork_server import MODULE as FORK_SERVER
from bench.arms.forked import ForkServer, fork_server
from bench.arms.forwarder import Forwarder
from bench.arms.ledger_tail import LedgerTail, tail_of
from bench.arms.supervisor import Managed, Supervisor
from bench.arms.topology import (
    SHARED_MODULES,
    Arm,
    Stack,
    Topology,
    await_ready,
    modules_of,
    start_stack,
)

_LONG_POLL_S, _POLL_S = 0.25, 0.04


@dataclass(frozen=True, slots=True)
class ArmPlan:
    """One arm to be started. `linked` and `own_clocks` name the workers whose connections can be
    cut, and whose clocks can be set."""

    arm: Arm
    namespace: str
    """Keeps it apart from all other arms of the run."""
    backends: Backends
    topology: Topology
    workloads: Sequence[str]
    """What is served: a worker that starts again loads the models of all of it."""
    env: Mapping[str, str]
    own_server: bool = False
    linked: Sequence[str] = ()
    own_clocks: Sequence[str] = ()


@dataclass(slots=True)
class LiveArm:
    """One arm while it runs. `links` carry workers' connections, by worker name."""

    stack: Stack
    tail: LedgerTail
    server: Managed | None = None
    links: Mapping[str, Forwarder] = field(default_factory=dict)


@asynccontextmanager
async def running_arms(
    supervisor: Supervisor, plans: Sequence[ArmPlan], folder: Path, *, for_long: bool = False
) -> AsyncIterator[list[LiveArm]]:
    """Start all arms, wait until they are ready, and end what then runs.

    Where they run `for_long`, their ledgers are looked at less often, and not kept in memory.
    """
    async with contextlib.AsyncExitStack() as exits:
        # Entered first, left last: servers and links carry until the workers are gone.
        wired = [await _wire(exits, supervisor, plan, folder) for plan in plans]
        common = await _common_server(exits, plans, folder)
        forking = await asyncio.gather(
            *(_fork_server(exits, plan, folder, common) for plan in plans)
        )
        arms: list[LiveArm] = []
        exits.push_async_callback(_stop, supervisor, arms)
        for plan, (backends, links), server in zip(plans, wired, forking, strict=True):
            place = folder / "arms" / plan.namespace
            stack = _start(supervisor, plan, backends, links, server, place)
            tail = tail_of(stack.database_url, keep=not for_long)
            arms.append(LiveArm(stack, tail, backends.server, links))
        await asyncio.gather(*(await_ready(live.stack) for live in arms))
        every_s = _LONG_POLL_S if for_long else _POLL_S
        for live in arms:
            exits.push_async_callback(_end, asyncio.create_task(live.tail.follow(every_s)))
        yield arms


async def _wire(
    exits: contextlib.AsyncExitStack, supervisor: Supervisor, plan: ArmPlan, folder: Path
) -> tuple[Backends, dict[str, Forwarder]]:
    """Start the server that an arm has alone, and the links to it."""
    backends = plan.backends
    if plan.own_server:
        own = folder / "servers" / plan.namespace
        backends = await start_own_server(supervisor, own, backends, plan.arm, plan.namespace)
        places = [place for place in (backends.server, backends.beside) if place]
        exits.push_async_callback(supervisor.stop, places)
    links = {
        name: await exits.enter_async_context(Forwarder(*backends.address_of(plan.arm.engine)))
        for name in plan.linked
    }
    return backends, links


async def _common_server(
    exits: contextlib.AsyncExitStack, plans: Sequence[ArmPlan], folder: Path
) -> ForkServer | None:
    """Start what the arms' own servers are forked from: torch takes seconds to import."""
    log = folder / "logs" / f"{plans[0].namespace}-and-others-fork-server.log"
    server = fork_server([FORK_SERVER, *SHARED_MODULES], _imports_env(plans[0]), log)
    return await exits.enter_async_context(server)


async def _fork_server(
    exits: contextlib.AsyncExitStack, plan: ArmPlan, folder: Path, common: ForkServer | None
) -> ForkServer | None:
    """Start what the processes of an arm are forked from, so that a restart imports nothing."""
    log = folder / "logs" / f"{plan.namespace}-fork-server.log"
    modules = modules_of(plan.arm.engine)
    server = fork_server(modules, _imports_env(plan), log, forked_by=common)
    return await exits.enter_async_context(server)


def _imports_env(plan: ArmPlan) -> dict[str, str]:
    """Return the settings that decide what is imported: the same as those of the processes."""
    return {
        "CHANGEOVER_BACKEND": plan.arm.engine,
        "CHANGEOVER_PROFILE": plan.arm.profile,
        "CHANGEOVER_WORKLOADS": json.dumps(sorted(plan.workloads)),
        "CHANGEOVER_DETECTION_BUDGET_S": str(plan.topology.detection_budget_s),
        "CHANGEOVER_STOP_GRACE_S": str(plan.topology.stop_grace_s),
        "PYTHONUNBUFFERED": "1",
        **plan.env,
    }


def _start(
    supervisor: Supervisor,
    plan: ArmPlan,
    backends: Backends,
    links: Mapping[str, Forwarder],
    server: ForkServer | None,
    folder: Path,
) -> Stack:
    worker_env = {
        name: backends.through(plan.arm.engine, link.port).env() for name, link in links.items()
    }
    for name in plan.own_clocks:
        worker_env[name] = {**worker_env.get(name, {}), **settable(folder, name)}
    return start_stack(
        supervisor,
        arm=plan.arm,
        engines=[plan.arm.engine],
        workloads=plan.workloads,
        topology=plan.topology,
        backends=backends,
        folder=folder,
        namespace=plan.namespace,
        env=plan.env,
        worker_env=worker_env,
        forked_by=server,
    )


async def _stop(supervisor: Supervisor, arms: Sequence[LiveArm]) -> None:
    # Read now: workers come and go while an arm runs.
    await supervisor.stop([place for live in arms for place in live.stack.processes])


async def _end(task: asyncio.Task[None]) -> None:
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
