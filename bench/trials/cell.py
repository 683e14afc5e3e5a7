"""Runs one cell on every arm of a stage at once, its trials interleaved."""

import asyncio
import json
import random
import time
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.arms.supervisor import Supervisor
from bench.faults.fault import FaultContext
from bench.faults.injector import Injector
from bench.faults.registry import FAULTS, NO_FAULT, exposed
from bench.load.client import connected
from bench.load.finals import accepted, final_states
from bench.load.plan import LoadPlan, image_bodies
from bench.load.process import end_arrivals, ops_path, read_ops, start_load, until_drained
from bench.record.history import ClientOp, FaultEvent, FaultPhase, FinalState, OpPhase
from bench.scenario.model import CellPlan, Stage
from bench.trials.live_arms import LiveArm

# A fault now and then misses, because its target ends in the same instant; such a trial stays in
# the history and another one is run.
_SPARE_TRIALS = 3
# Trials that look for their target while others heal: the seeded order holds up to this many.
_LOOK_AHEAD = 6


@dataclass(slots=True)
class CellOutcome:
    """What one cell left behind on one arm."""

    cell: str
    arm: LiveArm
    ops: list[ClientOp] = field(default_factory=list)
    faults: list[FaultEvent] = field(default_factory=list)
    finals: list[FinalState] = field(default_factory=list)

    @property
    def requests(self) -> dict[str, dict[str, Any]]:
        """The submitted bodies by job id, in order of arrival."""
        bodies = {op.op_id: op.detail for op in self.ops if op.phase is OpPhase.INVOKE}
        return {
            op.job_id: json.loads(bodies[op.op_id])
            for op in self.ops
            if op.op == "submit" and op.phase is OpPhase.OK and op.job_id is not None
        }

    @property
    def struck(self) -> set[str]:
        """The jobs that a confirmed fault hit."""
        return {event.job_id for event in self.faults if event.phase is FaultPhase.CONFIRMED}


def cell_id(stage: Stage, arm: str, plan: CellPlan) -> str:
    """Return a cell's id: `simulated/celery/hardened/sigkill`."""
    return f"{stage.id}/{arm}/{plan.fault}"


async def run_cell(
    supervisor: Supervisor,
    arms: list[LiveArm],
    stage: Stage,
    plan: CellPlan,
    *,
    seed: int,
    run_id: str,
    folder: Path,
) -> list[CellOutcome]:
    """Load all arms alike, strike them in a seeded interleaved order, drain, and look.

    A cell of face sessions has no load: its jobs are those that its faults submit.

    Arms share the clock, the machine and the schedule: whatever disturbs one disturbs all. Each
    begins its schedule a little after the arm before, or the same arrival would come to all of them
    in the same instant and they would measure each other.
    """
    began = time.monotonic()
    outcomes = [
        CellOutcome(cell_id(stage, arm.stack.arm.name, plan), arm)
        for arm in arms
        if exposed(arm.stack.arm.engine, plan.fault)
    ]
    plans = [
        LoadPlan(
            cell=outcome.cell,
            key_prefix=f"{run_id}-{outcome.cell}",
            out=str(ops_path(folder, outcome.cell)),
            seed=seed,
            rate_per_s=plan.rate_per_s,
            arrivals=plan.arrivals,
            delay_s=place / plan.rate_per_s / len(outcomes),
            n=list(stage.job.n),
            steps=stage.job.steps,
            width=stage.job.width,
            height=stage.job.height,
            url=outcome.arm.stack.url,
        )
        for place, outcome in enumerate(outcomes)
        if plan.rate_per_s
    ]
    load = start_load(supervisor, plans, folder) if plans else None
    if plan.fault == NO_FAULT:
        await asyncio.sleep(plan.duration_s)
    else:
        await _run_trials(outcomes, stage, plan, seed, began)
    if load is not None:
        end_arrivals(load)
    await asyncio.gather(
        *([until_drained(load, plan.drain_s)] if load else []),
        *(_see_to_their_end(outcome, plan.drain_s) for outcome in outcomes),
    )
    await supervisor.stop([load] if load else [])
    for outcome in outcomes:
        outcome.ops += read_ops(ops_path(folder, outcome.cell))
    finals = await asyncio.gather(
        *(
            final_states(outcome.arm.stack, outcome.cell, accepted(outcome.ops))
            for outcome in outcomes
        )
    )
    for outcome, found in zip(outcomes, finals, strict=True):
        outcome.finals = found
    return outcomes


async def _run_trials(
    outcomes: list[CellOutcome], stage: Stage, plan: CellPlan, seed: int, began: float
) -> None:
    at_once = asyncio.Semaphore(stage.faults_at_once)
    width = stage.faults_at_once + _LOOK_AHEAD
    injectors = [
        Injector(
            context=FaultContext(
                cell=outcome.cell,
                stack=outcome.arm.stack,
                tail=outcome.arm.tail,
                detection_budget_s=stage.budget_s(outcome.arm.stack.arm),
                server=outcome.arm.server,
                links=outcome.arm.links,
                bodies=image_bodies(
                    random.Random(f"{seed}:{plan.fault}:bodies"),
                    n=stage.job.n,
                    steps=stage.job.steps,
                    width=stage.job.width,
                    height=stage.job.height,
                ),
                rng=random.Random(f"{seed}:{plan.fault}:draws"),
            ),
            fault=FAULTS[plan.fault],
            at=plan.at or FAULTS[plan.fault].facts.at,
            # The same draws for every arm: each is struck at the same moments of its jobs.
            rng=random.Random(f"{seed}:{plan.fault}:at"),
            since_mono_s=began,
            give_up_mono_s=began + plan.limit_s,
            at_once=at_once,
        )
        for outcome in outcomes
    ]
    order = [injector for injector in injectors for _ in range(plan.trials)]
    random.Random(f"{seed}:{plan.fault}").shuffle(order)
    await _in_order(order, width)
    spare = [
        injector
        for injector in injectors
        for _ in range(min(plan.trials - injector.log.confirmed, _SPARE_TRIALS))
    ]
    await _in_order(spare, width)
    for outcome, injector in zip(outcomes, injectors, strict=True):
        outcome.faults = injector.log.events
        outcome.ops += injector.context.ops


async def _see_to_their_end(outcome: CellOutcome, limit_s: float) -> None:
    """Follow the jobs that faults submitted, as the load follows its own."""
    async with connected(outcome.arm.stack.url, outcome.cell, outcome.ops) as client:
        await client.until_over(outcome.requests, limit_s)


async def _in_order(trials: list[Injector], width: int) -> None:
    """Run trials in this order, so many at a time."""
    waiting = deque(trials)

    async def take() -> None:
        while waiting:
            await waiting.popleft().trial()

    async with asyncio.TaskGroup() as group:
        for _ in range(width):
            group.create_task(take())
