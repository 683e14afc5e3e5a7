"""The arms of a soak: each with a server of its own, and links that can be cut."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from bench.arms.addresses import Backends
from bench.arms.backends import start_own_server
from bench.arms.forwarder import Forwarder
from bench.arms.ledger_tail import LedgerTail
from bench.arms.supervisor import Managed, Supervisor
from bench.arms.topology import Stack, Topology, await_ready, start_stack
from bench.scenario.model import Scenario
from bench.scenario.soak import Role, SoakPlan, soak_id
from shared.adapters.ledger import SqlLedger
from shared.adapters.sql import connect
from shared.domain.jobs import IMAGE_GENERATION

_POLL_S = 0.25


@dataclass(slots=True)
class SoakArm:
    """One arm while the soak runs. `links` carry workers' connections, by worker name."""

    stack: Stack
    ledger: SqlLedger
    tail: LedgerTail
    server: Managed
    links: Mapping[str, Forwarder] = field(default_factory=dict)

    @property
    def cell(self) -> str:
        """What the history calls this arm's share of the soak."""
        return soak_id(self.stack.arm.name)

    def place(self, role: Role, index: int) -> Managed:
        """Return the place of a role; `LookupError` if the arm has none."""
        match role:
            case Role.SERVER:
                return self.server
            case Role.FACADE:
                return self.stack.facade
            case Role.BEAT:
                return self.stack.schedulers[0]
            case _:
                return self.stack.place(f"{role}-{index}")


@asynccontextmanager
async def running_arms(
    supervisor: Supervisor,
    shared: Backends,
    scenario: Scenario,
    plan: SoakPlan,
    folder: Path,
) -> AsyncIterator[list[SoakArm]]:
    """Start every arm, wait until it is ready, and end what then runs."""
    async with contextlib.AsyncExitStack() as exits:
        processes: list[Managed] = []
        arms: list[SoakArm] = []
        for arm in plan.parsed_arms:
            namespace = f"soak-{arm.slug}"
            backends = await start_own_server(
                supervisor,
                folder / "servers" / namespace,
                shared,
                arm.engine,
                namespace,
                arm.name,
            )
            assert backends.server is not None
            # Entered before the workers start, left after they have ended.
            exits.push_async_callback(supervisor.stop, [backends.server])
            links = {
                f"{role}-{index}": await exits.enter_async_context(
                    Forwarder(*backends.address_of(arm.engine))
                )
                for role in sorted(plan.linked_roles)
                for index in range(plan.places(role))
            }
            stack = start_stack(
                supervisor,
                arm=arm,
                engines=[arm.engine],
                workloads=[IMAGE_GENERATION],
                topology=_topology(scenario, plan),
                backends=backends,
                folder=folder / "arms" / namespace,
                namespace=namespace,
                env={
                    "CHANGEOVER_COMPUTE": "simulated",
                    "CHANGEOVER_SIMULATED_STEP_S": str(plan.step_s),
                },
                worker_env={
                    name: backends.through(arm.engine, link.port).env()
                    for name, link in links.items()
                },
            )
            processes += stack.processes
            ledger = SqlLedger(connect(stack.database_url))
            tail = LedgerTail(ledger, keep=False)
            arms.append(SoakArm(stack, ledger, tail, backends.server, links))
        exits.push_async_callback(supervisor.stop, processes)
        await asyncio.gather(*(await_ready(live.stack) for live in arms))
        for live in arms:
            exits.push_async_callback(_end, asyncio.create_task(live.tail.follow(_POLL_S)))
        yield arms


async def _end(task: asyncio.Task[None]) -> None:
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


def _topology(scenario: Scenario, plan: SoakPlan) -> Topology:
    return Topology(
        gpu_workers=plan.gpu_workers,
        cpu_workers=plan.cpu_workers,
        cpu_slots=scenario.cpu_slots,
        restart_delay_s=scenario.restart_delay_s,
        stop_grace_s=scenario.stop_grace_s,
        detection_budget_s=plan.detection_budget_s,
    )
