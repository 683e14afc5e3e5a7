"""Runs one stage: all its arms side by side, through one cell after another."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from bench.arms.addresses import Backends
from bench.arms.facts import ask
from bench.arms.supervisor import Supervisor
from bench.load.pictures import Picture, keep_pictures
from bench.record.history import History, ProcessEvent
from bench.record.run_info import ServiceInfo
from bench.scenario.model import CellPlan, Scenario, Stage
from bench.trials.cell import CellOutcome, run_cell
from bench.trials.live_arms import running_arms
from bench.trials.warm_up import warm_up
from shared.domain.impact import Impact
from shared.domain.jobs import Bound, EffectiveSetting


@dataclass(slots=True)
class StageOutcome:
    """What a stage left behind."""

    history: History = field(default_factory=History)
    settings: dict[str, list[EffectiveSetting]] = field(default_factory=dict)
    bounds: dict[str, dict[Impact, Bound]] = field(default_factory=dict)
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
    say(f"{stage.id}: starting {len(stage.parsed_arms)} arms")
    async with running_arms(supervisor, backends, scenario, stage, folder) as arms:
        for arm in arms:
            of_arm, name = await ask(arm.stack), arm.stack.arm.name
            if not arm.stack.arm.twin:  # they are its arm's
                outcome.settings[name] = of_arm.settings
            outcome.bounds[name] = of_arm.bounds
            outcome.services[of_arm.service.name] = of_arm.service
        say(f"{stage.id}: warming up")
        await asyncio.gather(*(warm_up(arm.stack, stage) for arm in arms))
        for index, plan in enumerate(stage.cells):
            trials = f", {plan.trials} an arm" if plan.trials else ""
            say(f"{stage.id}: {plan.fault}{trials}")
            cells = await run_cell(
                supervisor,
                arms,
                stage,
                plan,
                seed=scenario.seed + 100 * number + index,
                run_id=run_id,
                folder=folder / "load",
            )
            for cell in cells:
                outcome.history.ops += cell.ops
                outcome.history.faults += cell.faults
                outcome.history.finals += cell.finals
            outcome.pictures += await _pictures(stage, plan, cells, folder)
        for arm in arms:
            arm.tail.refresh()
            outcome.history.attempts += arm.tail.records
            outcome.history.processes += [
                ProcessEvent.of_load(load, arm.stack.arm.name) for load in arm.tail.model_loads
            ]
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
