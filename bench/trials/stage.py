"""Runs one stage: its arms side by side, or in turn, through one cell after another."""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from pathlib import Path

from bench.arms.addresses import Backends
from bench.arms.supervisor import Supervisor
from bench.arms.topology import Arm, Role, Topology
from bench.load.pictures import Picture, keep_pictures
from bench.scenario.model import CellPlan, Scenario, Stage
from bench.trials.at_once import Blocks, in_turn
from bench.trials.cell import CellOutcome, run_cell
from bench.trials.live_arms import ArmPlan, LiveArm, running_arms
from bench.trials.outcome import Outcome
from bench.trials.warm_up import warm_up


async def run_stage(
    supervisor: Supervisor,
    backends: Mapping[str, Backends],
    scenario: Scenario,
    stage: Stage,
    *,
    number: int,
    side_by_side: Blocks,
    run_id: str,
    folder: Path,
    say: Callable[[str], None],
) -> Outcome:
    """Run a stage and end its processes. `backends` are by namespace.

    Of several blocks all are started, and each cell is run on one after the other: forwards, then
    backwards, then forwards again. What changes on the machine meanwhile changes for all alike.
    """
    outcome = Outcome()
    blocks = [stage.only(block) for block in side_by_side.arms]
    if len(blocks) > 1:
        say(f"{stage.id}: {side_by_side}")
    say(f"{stage.id}: starting {', '.join(arm.name for arm in stage.parsed_arms)}")
    async with AsyncExitStack() as exits:
        live: list[tuple[Stage, list[LiveArm]]] = []
        for block in blocks:
            plans = arm_plans(scenario, block, backends)
            arms = await exits.enter_async_context(running_arms(supervisor, plans, folder))
            await outcome.ask(arms)
            say(f"{stage.id}: warming up")
            await asyncio.gather(*(warm_up(arm.stack, block) for arm in arms))
            live.append((block, arms))
        for index, plan in enumerate(stage.cells):
            trials = f", {plan.trials} an arm" if plan.trials else ""
            say(f"{stage.id}: {plan.fault}{trials}")
            for block, arms in in_turn(live, index):
                cells = await run_cell(
                    supervisor,
                    arms,
                    block,
                    plan,
                    seed=scenario.seed + 100 * number + index,
                    run_id=run_id,
                    folder=folder / "load",
                )
                for cell in cells:
                    outcome.history.ops += cell.ops
                    outcome.history.faults += cell.faults
                    outcome.history.finals += cell.finals
                outcome.pictures += await _pictures(block, plan, cells, folder)
        for _, arms in live:
            outcome.keep_ledgers(arms)
    return outcome


async def _pictures(
    stage: Stage, plan: CellPlan, cells: list[CellOutcome], folder: Path
) -> list[Picture]:
    if stage.compute == "simulated" or not plan.rate_per_s:
        return []
    kept: list[Picture] = []
    for cell in cells:
        kept += await keep_pictures(cell.arm.stack, cell.requests, cell.struck, folder / "images")
    return kept


def arm_plans(scenario: Scenario, stage: Stage, backends: Mapping[str, Backends]) -> list[ArmPlan]:
    """Return how the arms of a stage are started."""
    gpu_workers = [f"{Role.GPU}-{number}" for number in range(stage.gpu_workers)]
    return [
        ArmPlan(
            arm=arm,
            namespace=namespace_of(stage, arm),
            backends=backends[namespace_of(stage, arm)],
            topology=Topology(
                gpu_workers=stage.gpu_workers,
                cpu_workers=1,
                cpu_slots=scenario.cpu_slots,
                restart_delay_s=scenario.restart_delay_s,
                stop_grace_s=scenario.stop_grace_s,
                detection_budget_s=stage.budget_s(arm),
            ),
            workloads=stage.workloads,
            env={
                "CHANGEOVER_COMPUTE": stage.compute,
                "CHANGEOVER_OUTAGE_PATIENCE_S": str(scenario.outage_patience_s),
                "CHANGEOVER_SIMULATED_STEP_S": str(stage.step_s),
                "CHANGEOVER_SIMULATED_LOAD_S": str(stage.load_s),
                **stage.env,
            },
            own_server=stage.own_servers,
            linked=gpu_workers if stage.needs_links else (),
            own_clocks=gpu_workers if stage.own_clocks else (),
        )
        for arm in stage.parsed_arms
    ]


def namespace_of(stage: Stage, arm: Arm) -> str:
    """Return the namespace that keeps one arm of one stage apart from all others."""
    return f"{stage.id}-{arm.slug}"
