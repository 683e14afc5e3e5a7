"""Runs the soak: load and faults for their time, then the drain, then the counting."""

import asyncio
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from itertools import chain
from pathlib import Path

from bench.arms.addresses import Backends
from bench.arms.supervisor import Supervisor
from bench.arms.topology import Topology
from bench.faults.carrying_out import FaultLog
from bench.faults.fault import NOBODY, FaultContext
from bench.faults.registry import FAULTS
from bench.load.plan import LoadPlan
from bench.load.process import end_arrivals, ops_path, read_ops, start_load, until_drained
from bench.load.soak_finals import soak_finals
from bench.record.history import ClientOp, History
from bench.scenario.model import Scenario
from bench.scenario.soak import SoakPlan, soak_id
from bench.trials.live_arms import ArmPlan, LiveArm, running_arms
from bench.trials.outcome import Outcome
from bench.trials.soak.schedule import PlannedFault, absent, schedule
from shared.domain.jobs import IMAGE_GENERATION

_SAY_EVERY_S = 30.0
# A look costs the facade and its engine as much as a step, so clients look once most jobs are over.
_FOLLOW_FIRST_S, _FOLLOW_MOST_S = 2.5, 10.0


async def run_soak(
    supervisor: Supervisor,
    backends: Backends,
    scenario: Scenario,
    plan: SoakPlan,
    *,
    run_id: str,
    folder: Path,
    say: Callable[[str], None],
) -> Outcome:
    """Soak all arms side by side, under the same schedule, and end their processes."""
    outcome = Outcome()
    planned = schedule(plan, scenario.seed)
    say(f"soak: starting {len(plan.arms)} arms")
    plans = arm_plans(scenario, plan, backends)
    async with running_arms(supervisor, plans, folder, for_long=True) as arms:
        await outcome.ask(arms)
        sent = [
            _load_plan(arm, plan, scenario.seed, run_id, folder / "load", place)
            for place, arm in enumerate(arms)
        ]
        load = start_load(supervisor, sent, folder / "load")
        await _inject_all(arms, plan, planned, outcome.history, say)
        say(f"soak: draining for up to {plan.drain_s:g} s")
        end_arrivals(load)
        await until_drained(load, plan.drain_s)
        await supervisor.stop([load])
        say("soak: asking what became of every job")
        for arm in arms:
            outcome.history.ops += read_ops(ops_path(folder / "load", _cell(arm)))
        outcome.history.finals += chain.from_iterable(
            await asyncio.gather(
                *(soak_finals(arm.stack, _cell(arm), _ops_of(arm, outcome)) for arm in arms)
            )
        )
        outcome.keep_ledgers(arms)
    return outcome


def arm_plans(scenario: Scenario, plan: SoakPlan, backends: Backends) -> list[ArmPlan]:
    """Return how the arms of a soak are started, each with a server of its own."""
    return [
        ArmPlan(
            arm=arm,
            namespace=f"soak-{arm.slug}",
            backends=backends,
            topology=Topology(
                gpu_workers=plan.gpu_workers,
                cpu_workers=plan.cpu_workers,
                cpu_slots=scenario.cpu_slots,
                restart_delay_s=scenario.restart_delay_s,
                stop_grace_s=scenario.stop_grace_s,
                detection_budget_s=plan.detection_budget_s,
            ),
            workloads=[IMAGE_GENERATION],
            env={
                "CHANGEOVER_COMPUTE": "simulated",
                "CHANGEOVER_SIMULATED_STEP_S": str(plan.step_s),
            },
            own_server=True,
            linked=[
                f"{role}-{index}"
                for role in sorted(plan.linked_roles)
                for index in range(plan.places(role))
            ],
        )
        for arm in plan.parsed_arms
    ]


async def _inject_all(
    arms: list[LiveArm],
    plan: SoakPlan,
    planned: list[PlannedFault],
    history: History,
    say: Callable[[str], None],
) -> None:
    """Carry out the schedule on every arm, to the end of the time for arrivals."""
    began_s = time.monotonic()
    logs = [FaultLog(_cell(arm)) for arm in arms]
    try:
        async with asyncio.TaskGroup() as group:
            telling = group.create_task(_tell(logs, plan, began_s, say))
            striking = [
                group.create_task(inject_scheduled(arm, log, plan, planned, began_s))
                for arm, log in zip(arms, logs, strict=True)
            ]
            await asyncio.gather(*striking)
            await asyncio.sleep(max(0.0, began_s + plan.duration_s - time.monotonic()))
            telling.cancel()
    finally:
        for log in logs:
            history.faults += log.events


async def inject_scheduled(
    arm: LiveArm, log: FaultLog, plan: SoakPlan, planned: Iterable[PlannedFault], began_s: float
) -> None:
    """Strike one arm as planned, each fault in its time, and see every one healed.

    A fault that cannot exist on its engine is passed over.
    """
    context = FaultContext(
        log.cell,
        arm.stack,
        arm.tail,
        plan.detection_budget_s,
        server=arm.server,
        links=arm.links,
        hold_s=plan.hold_s,
    )
    async with asyncio.TaskGroup() as group:
        for each in planned:
            if absent(arm.stack.arm, each) is None:
                await asyncio.sleep(max(0.0, began_s + each.at_s - time.monotonic()))
                target = replace(NOBODY, worker=each.place, pid=context.place(each.place).pid)
                fault = FAULTS[each.fault](context, target)
                trial = f"{log.cell}#{each.number}"
                group.create_task(log.carry_out(fault, trial, each.role))


async def _tell(
    logs: list[FaultLog], plan: SoakPlan, began_s: float, say: Callable[[str], None]
) -> None:
    while True:
        passed_s = time.monotonic() - began_s
        struck = sum(log.confirmed for log in logs)
        say(f"soak: {passed_s:.0f} of {plan.duration_s:.0f} s, {struck} faults have struck")
        await asyncio.sleep(_SAY_EVERY_S)


def _load_plan(
    arm: LiveArm, plan: SoakPlan, seed: int, run_id: str, folder: Path, place: int
) -> LoadPlan:
    cell = _cell(arm)
    return LoadPlan(
        cell=cell,
        key_prefix=f"{run_id}-{cell}",
        out=str(ops_path(folder, cell)),
        seed=seed,
        rate_per_s=plan.rate_per_s,
        arrivals="poisson",
        # Arms that get the same arrival in the same instant would measure each other.
        delay_s=place / plan.rate_per_s / len(plan.arms),
        n=list(plan.n),
        steps=plan.steps,
        width=plan.size_px,
        height=plan.size_px,
        follow_first_s=_FOLLOW_FIRST_S,
        follow_most_s=_FOLLOW_MOST_S,
        url=arm.stack.url,
    )


def _cell(arm: LiveArm) -> str:
    return soak_id(arm.stack.arm.name)


def _ops_of(arm: LiveArm, outcome: Outcome) -> list[ClientOp]:
    return [op for op in outcome.history.ops if op.cell == _cell(arm)]
