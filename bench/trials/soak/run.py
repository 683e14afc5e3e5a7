"""Runs the soak: load and faults for their time, then the drain, then the counting."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from bench.arms.addresses import Backends
from bench.arms.facts import ask
from bench.arms.supervisor import Managed, Supervisor
from bench.arms.topology import Arm
from bench.load.plan import LoadPlan
from bench.load.process import end_arrivals, read_ops, start_load, until_drained
from bench.record.history import ClientOp, History, ProcessEvent
from bench.record.run_info import ServiceInfo, SoakInfo
from bench.scenario.model import Scenario
from bench.scenario.soak import SoakPlan, soak_id
from bench.trials.soak.arms import SoakArm, running_arms
from bench.trials.soak.finals import soak_finals
from bench.trials.soak.schedule import Strike, absent, schedule
from bench.trials.soak.striker import Striker
from shared.domain.jobs import EffectiveSetting

_SAY_EVERY_S = 30.0
# A look costs the facade and its engine as much as a step, so clients look once most jobs are over.
_FOLLOW_FIRST_S, _FOLLOW_MOST_S = 2.5, 10.0
_DEMANDS = ["no_phantoms"]
_DEMANDS_OF_HARDENED = ["no_loss", "no_duplicate_effects"]
_STOCK = "stock"


@dataclass(slots=True)
class SoakOutcome:
    """What the soak left behind."""

    history: History = field(default_factory=History)
    settings: dict[str, list[EffectiveSetting]] = field(default_factory=dict)
    services: dict[str, ServiceInfo] = field(default_factory=dict)


async def run_soak(
    supervisor: Supervisor,
    shared: Backends,
    scenario: Scenario,
    plan: SoakPlan,
    *,
    run_id: str,
    folder: Path,
    say: Callable[[str], None],
) -> SoakOutcome:
    """Soak all arms side by side, under the same schedule, and end their processes."""
    outcome = SoakOutcome()
    strikes = schedule(plan, scenario.seed)
    say(f"soak: starting {len(plan.arms)} arms")
    async with running_arms(supervisor, shared, scenario, plan, folder) as arms:
        for arm in arms:
            facts = await ask(arm.stack)
            outcome.settings[arm.stack.arm.name] = facts.settings
            outcome.services[facts.service.name] = facts.service
        loads = [
            _start_load(supervisor, arm, plan, scenario.seed, run_id, folder / "load", place)
            for place, arm in enumerate(arms)
        ]
        await _strike_all(arms, plan, strikes, outcome.history, say)
        say(f"soak: draining for up to {plan.drain_s:g} s")
        for load in loads:
            end_arrivals(load)
        await until_drained(loads, plan.drain_s)
        await supervisor.stop(loads)
        say("soak: asking what became of every job")
        ops = [read_ops(_ops_path(folder / "load", arm)) for arm in arms]
        finals = await asyncio.gather(
            *(soak_finals(a.stack, a.cell, of_arm) for a, of_arm in zip(arms, ops, strict=True))
        )
        for arm, of_arm, found in zip(arms, ops, finals, strict=True):
            outcome.history.finals += found
            _keep(arm, of_arm, outcome.history)
    return outcome


async def _strike_all(
    arms: list[SoakArm],
    plan: SoakPlan,
    strikes: list[Strike],
    history: History,
    say: Callable[[str], None],
) -> None:
    """Carry out the schedule on every arm, to the end of the time for arrivals."""
    began_s = time.monotonic()
    strikers = [Striker(arm, plan) for arm in arms]
    try:
        async with asyncio.TaskGroup() as group:
            telling = group.create_task(_tell(strikers, plan, began_s, say))
            striking = [group.create_task(each.run(strikes, began_s)) for each in strikers]
            await asyncio.gather(*striking)
            await asyncio.sleep(max(0.0, began_s + plan.duration_s - time.monotonic()))
            telling.cancel()
    finally:
        for striker in strikers:
            history.faults += striker.events


async def _tell(
    strikers: list[Striker], plan: SoakPlan, began_s: float, say: Callable[[str], None]
) -> None:
    while True:
        passed_s = time.monotonic() - began_s
        struck = sum(striker.confirmed for striker in strikers)
        say(f"soak: {passed_s:.0f} of {plan.duration_s:.0f} s, {struck} faults have struck")
        await asyncio.sleep(_SAY_EVERY_S)


def _start_load(
    supervisor: Supervisor,
    arm: SoakArm,
    plan: SoakPlan,
    seed: int,
    run_id: str,
    folder: Path,
    place: int,
) -> Managed:
    name = arm.stack.arm.name
    return start_load(
        supervisor,
        name,
        arm.stack.url,
        LoadPlan(
            cell=arm.cell,
            key_prefix=f"{run_id}-{arm.cell}",
            out=str(_ops_path(folder, arm)),
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
        ),
        folder,
    )


def _ops_path(folder: Path, arm: SoakArm) -> Path:
    return folder / f"{arm.cell.replace('/', '-')}.jsonl"


def _keep(arm: SoakArm, ops: list[ClientOp], history: History) -> None:
    history.ops += ops
    history.attempts += arm.ledger.since(0)
    arm.tail.refresh()
    history.processes += [
        ProcessEvent.of_load(load, arm.stack.arm.name) for load in arm.tail.model_loads
    ]


def soak_infos(plan: SoakPlan, seed: int, owed_effects: list[str]) -> list[SoakInfo]:
    """Return what `run.json` says of the soak, one entry an arm."""
    strikes = schedule(plan, seed)
    return [
        SoakInfo(
            id=soak_id(arm.name),
            arm=arm.name,
            engine=arm.engine,
            profile=arm.profile,
            duration_s=plan.duration_s,
            rate_per_s=plan.rate_per_s,
            drain_s=plan.drain_s,
            planned=sum(absent(arm, strike) is None for strike in strikes),
            absent=_reasons(arm, strikes),
            owed_effects=owed_effects,
            demands=[*_DEMANDS, *(_DEMANDS_OF_HARDENED if arm.profile != _STOCK else [])],
        )
        for arm in plan.parsed_arms
    ]


def _reasons(arm: Arm, strikes: list[Strike]) -> dict[str, str]:
    found = {f"{strike.fault} of {strike.role}": absent(arm, strike) for strike in strikes}
    return {what: why for what, why in sorted(found.items()) if why is not None}
