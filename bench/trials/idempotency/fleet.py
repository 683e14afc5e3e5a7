"""A stack for every arm in every mode, alive through all experiments; only workers are rearmed."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from bench.arms.addresses import Backends
from bench.arms.ledger_tail import LedgerTail, tail_of
from bench.arms.supervisor import ProcessSpec, Supervisor
from bench.arms.topology import Stack, Topology, await_ready, start_stack
from bench.record.history import ProcessEvent
from bench.scenario.idempotency import IdempotencyPlan
from bench.scenario.model import Scenario
from bench.trials.idempotency.arms import GuardedArm, guarded_arms
from shared.domain.jobs import IMAGE_GENERATION
from shared.policy import Queue

COMPUTE = "simulated"


@dataclass(frozen=True, slots=True)
class Crew:
    """How many workers of a role a stack has, and what sets them apart from its others."""

    count: int = 1
    env: Mapping[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Member:
    """One arm in one mode, as it runs."""

    arm: GuardedArm
    stack: Stack
    tail: LedgerTail
    specs: dict[str, ProcessSpec]
    """The first worker of each role, unarmed."""
    crews: dict[str, Crew]


@dataclass(slots=True)
class Fleet:
    """All members, every one with the same workers."""

    supervisor: Supervisor
    members: list[Member]

    async def equip(self, crews: Mapping[Queue, Crew]) -> None:
        """Give every member these crews, and return when they are ready.

        A role whose crew stays as it is keeps its processes. One worker runs one step at a time,
        so that a strike hits the step that it is meant for and no other.
        """
        places = [
            place
            for member in self.members
            for place in member.stack.workers
            if member.crews[place.spec.role] != crews[Queue(place.spec.role)]
        ]
        await self.supervisor.stop(places)
        for member in self.members:
            self._replace(member, crews)
        await asyncio.gather(*(await_ready(member.stack) for member in self.members))

    def _replace(self, member: Member, crews: Mapping[Queue, Crew]) -> None:
        for role, crew in crews.items():
            if member.crews[role] == crew:
                continue
            kept = [place for place in member.stack.workers if place.spec.role != role]
            fresh = [
                self.supervisor.start(_spec(member.specs[role], f"{role}-{number}", crew.env))
                for number in range(crew.count)
            ]
            member.stack.workers = [*kept, *fresh]
            member.crews[role] = crew


def _spec(first: ProcessSpec, name: str, env: Mapping[str, str]) -> ProcessSpec:
    return replace(first, name=name, env={**first.env, "CHANGEOVER_WORKER_NAME": name, **env})


@asynccontextmanager
async def running_fleet(
    supervisor: Supervisor,
    backends: Mapping[str, Backends],
    scenario: Scenario,
    plan: IdempotencyPlan,
    folder: Path,
) -> AsyncIterator[Fleet]:
    """Start every member with one worker a role, and end all that then runs. `backends` are by
    namespace."""
    members = [
        _start(supervisor, backends[arm.namespace], scenario, plan, arm, folder)
        for arm in guarded_arms(plan)
    ]
    tails: list[asyncio.Task[None]] = []
    try:
        await asyncio.gather(*(await_ready(member.stack) for member in members))
        tails = [asyncio.create_task(member.tail.follow()) for member in members]
        yield Fleet(supervisor, members)
    finally:
        for task in tails:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
        await supervisor.stop([place for member in members for place in member.stack.processes])


def _start(
    supervisor: Supervisor,
    backends: Backends,
    scenario: Scenario,
    plan: IdempotencyPlan,
    arm: GuardedArm,
    folder: Path,
) -> Member:
    stack = start_stack(
        supervisor,
        arm=arm,
        engines=[arm.engine],
        workloads=[IMAGE_GENERATION],
        topology=topology_of(scenario, plan),
        backends=backends,
        folder=folder / "arms" / arm.namespace,
        namespace=arm.namespace,
        env={
            "CHANGEOVER_COMPUTE": COMPUTE,
            "CHANGEOVER_SIMULATED_STEP_S": str(plan.step_s),
            "CHANGEOVER_IDEMPOTENCY": arm.mode,
        },
    )
    return Member(
        arm,
        stack,
        tail_of(stack.database_url),
        {place.spec.role: place.spec for place in stack.workers},
        {place.spec.role: Crew() for place in stack.workers},
    )


def topology_of(scenario: Scenario, plan: IdempotencyPlan) -> Topology:
    """Return what every member has; a crew adds to it where a zombie needs a successor."""
    return Topology(
        gpu_workers=1,
        cpu_workers=1,
        cpu_slots=1,
        restart_delay_s=scenario.restart_delay_s,
        stop_grace_s=scenario.stop_grace_s,
        detection_budget_s=plan.detection_budget_s,
    )


def model_loads(members: Collection[Member]) -> list[ProcessEvent]:
    """Return each model load as an event of its process: worker names repeat between members."""
    return [
        ProcessEvent.of_load(load, member.arm.name)
        for member in members
        for load in member.tail.model_loads
    ]
