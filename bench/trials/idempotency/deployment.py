"""The workers of the experiments: rearmed from one experiment to the next, on arms that stay."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from bench.arms.addresses import Backends
from bench.arms.supervisor import ProcessSpec, Supervisor
from bench.arms.topology import Topology, await_ready
from bench.scenario.idempotency import IdempotencyPlan
from bench.scenario.model import Scenario
from bench.trials.idempotency.arms import guarded_arms
from bench.trials.live_arms import ArmPlan, LiveArm
from shared.domain.jobs import IMAGE_GENERATION
from shared.policy import Queue


@dataclass(frozen=True, slots=True)
class WorkerGroup:
    """How many workers of a role an arm has, and what sets them apart from its others."""

    count: int = 1
    env: Mapping[str, str] = field(default_factory=dict)


Groups = Mapping[Queue, WorkerGroup]


class Deployment:
    """The workers of all arms, every one with the same; at first one of a role, unarmed."""

    def __init__(self, supervisor: Supervisor, arms: Sequence[LiveArm]) -> None:
        self._supervisor = supervisor
        self._arms = arms
        self._groups = dict.fromkeys(Queue, WorkerGroup())
        self._unarmed: list[dict[str, ProcessSpec]] = [
            {place.spec.role: place.spec for place in live.stack.workers} for live in arms
        ]

    async def deploy(self, groups: Groups) -> None:
        """Give every arm these workers, and return when they are ready.

        A role whose group stays as it is keeps its processes. One worker runs one step at a time,
        so that a crash hits the step that it is meant for and no other.
        """
        changed = {role for role, group in groups.items() if self._groups[role] != group}
        outgoing = [
            place
            for live in self._arms
            for place in live.stack.workers
            if place.spec.role in changed
        ]
        await self._supervisor.stop(outgoing)
        for live, specs in zip(self._arms, self._unarmed, strict=True):
            kept = [place for place in live.stack.workers if place.spec.role not in changed]
            fresh = [
                self._supervisor.start(_armed(specs[role], f"{role}-{number}", groups[role].env))
                for role in sorted(changed)
                for number in range(groups[role].count)
            ]
            live.stack.workers = [*kept, *fresh]
        self._groups |= groups
        await asyncio.gather(*(await_ready(live.stack) for live in self._arms))


def _armed(unarmed: ProcessSpec, name: str, env: Mapping[str, str]) -> ProcessSpec:
    return replace(unarmed, name=name, env={**unarmed.env, "CHANGEOVER_WORKER_NAME": name, **env})


def arm_plans(
    scenario: Scenario, plan: IdempotencyPlan, backends: Mapping[str, Backends]
) -> list[ArmPlan]:
    """Return how every arm in every mode is started, with one worker a role. `backends` are by
    namespace."""
    topology = Topology(
        gpu_workers=1,
        cpu_workers=1,
        cpu_slots=1,
        restart_delay_s=scenario.restart_delay_s,
        stop_grace_s=scenario.stop_grace_s,
        detection_budget_s=plan.detection_budget_s,
    )
    return [
        ArmPlan(
            arm=arm,
            namespace=arm.namespace,
            backends=backends[arm.namespace],
            topology=topology,
            workloads=[IMAGE_GENERATION],
            env={
                "CHANGEOVER_COMPUTE": "simulated",
                "CHANGEOVER_SIMULATED_STEP_S": str(plan.step_s),
                "CHANGEOVER_IDEMPOTENCY": arm.mode,
            },
        )
        for arm in guarded_arms(plan)
    ]
