"""What `run.json` says of each cell, so that its record can be judged without the scenario."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from bench.arms.engines import detection_of, promises_of
from bench.arms.topology import Arm
from bench.faults.experiments import EXPERIMENTS, Receiver
from bench.faults.registry import FAULTS, exposed
from bench.load.workloads import WORKLOADS
from bench.record.run_info import FAULTS_CONFIRMED, AbsentCell, CellInfo, CellKind
from bench.scenario.idempotency import IdempotencyPlan, experiment_id
from bench.scenario.model import CellPlan, Scenario, Stage
from bench.scenario.soak import SoakPlan, soak_id
from bench.trials.cell import cell_id
from bench.trials.idempotency.arms import GuardedArm, guarded_arms
from bench.trials.predicted import predicted_bound
from bench.trials.soak.schedule import absent, schedule
from shared.domain.impact import Impact
from shared.domain.jobs import IMAGE_GENERATION, Bound
from shared.domain.promises import Promise
from shared.ports.idempotency import IdempotencyMode

_NO_ONE_FAULT = Bound(None, {}, "no bound is predicted where faults are not tried one by one")
_SIMULATED = "simulated"


def demands_on(arm: Arm, kind: CellKind, *, repeats_reach_the_world: bool = False) -> list[str]:
    """Return what a cell is held to: no phantoms, and whatever the arm's profile promises.

    The one rule, whatever the kind of cell. Where faults are not tried one by one, no bound is
    predicted that could be kept. A guard other than `fenced` is there to be seen: it promises
    nothing; under `fenced` no step is finished twice either. Of a repeat that no guard on the
    worker's side can know of, only the receiver can tell.
    """
    if isinstance(arm, GuardedArm) and arm.mode is not IdempotencyMode.FENCED:
        return []
    promised = set(promises_of(arm.engine, arm.profile).kept)
    if kind is not CellKind.TRIALS:
        promised.discard(Promise.WITHIN_BOUND)
    if kind is CellKind.EXPERIMENT and Promise.NO_DUPLICATE_EFFECTS in promised:
        promised.add(Promise.NO_DUPLICATE_EXECUTIONS)
    if repeats_reach_the_world:
        promised.discard(Promise.NO_DUPLICATE_EFFECTS)
    of_the_run = [FAULTS_CONFIRMED] if kind is CellKind.TRIALS else []
    return [*of_the_run, *(p for p in Promise if p in promised | {Promise.NO_PHANTOMS})]


def stage_cells(
    scenario: Scenario, stage: Stage, bounds: Mapping[str, Mapping[Impact, Bound]]
) -> list[CellInfo]:
    """Return one a fault and arm that can have it; `bounds` are the engines', by arm."""
    return [
        CellInfo(
            id=cell_id(stage, arm.name, plan),
            arm=arm.name,
            engine=arm.engine,
            profile=arm.profile,
            workload=plan.workload,
            compute=stage.compute,
            stage=stage.id,
            detection_budget_s=stage.budget_s(arm),
            **_clock(arm, stage.budget_s(arm)),
            healthy_step_s=stage.healthy_step_s,
            fault=plan.fault,
            trials=plan.trials,
            drain_s=plan.drain_s,
            predicted=predicted_bound(plan, stage, bounds[arm.name], scenario.restart_delay_s),
            owed_effects=WORKLOADS[plan.workload].owed_effects,
            demands=demands_on(arm, CellKind.TRIALS),
            twin_of=cell_id(stage, replace(arm, twin=False).name, plan) if arm.twin else "",
        )
        for plan, arm in _of_stage(stage)
        if exposed(arm.engine, plan.fault)
    ]


def _clock(arm: Arm, budget_s: float) -> dict[str, Any]:
    found = detection_of(arm.engine, arm.profile, budget_s)
    if found is None:
        return {}
    return {"clock": found.clock, "clock_s": found.timeout_s, "clock_lag_s": found.lag_s}


def absent_cells(stage: Stage) -> list[AbsentCell]:
    """Return the cells of a stage that cannot exist."""
    return [
        AbsentCell(
            id=cell_id(stage, arm.name, plan),
            why=FAULTS[plan.fault].facts.absent[arm.engine],
            fault=plan.fault,
            arm=arm.name,
        )
        for plan, arm in _of_stage(stage)
        if not exposed(arm.engine, plan.fault) and not arm.twin
    ]


def _of_stage(stage: Stage) -> Sequence[tuple[CellPlan, Arm]]:
    return [(plan, arm) for plan in stage.cells for arm in stage.parsed_arms]


def soak_cells(plan: SoakPlan, seed: int) -> list[CellInfo]:
    """Return one an arm."""
    planned = schedule(plan, seed)
    return [
        CellInfo(
            id=soak_id(arm.name),
            arm=arm.name,
            engine=arm.engine,
            profile=arm.profile,
            workload=IMAGE_GENERATION,
            compute=_SIMULATED,
            fault=CellKind.SOAK,
            trials=sum(absent(arm, each) is None for each in planned),
            drain_s=plan.drain_s,
            predicted=_NO_ONE_FAULT,
            owed_effects=WORKLOADS[IMAGE_GENERATION].owed_effects,
            demands=demands_on(arm, CellKind.SOAK),
            kind=CellKind.SOAK,
            duration_s=plan.duration_s,
            rate_per_s=plan.rate_per_s,
            absent={
                f"{each.fault} of {each.role}": why
                for each in sorted(planned, key=lambda each: (each.fault, each.role))
                if (why := absent(arm, each)) is not None
            },
        )
        for arm in plan.parsed_arms
    ]


def experiment_cells(plan: IdempotencyPlan) -> list[CellInfo]:
    """Return one a mode, arm and experiment, experiments in the plan's order."""
    ignores_keys = plan.receiver is Receiver.IGNORES_KEYS
    return [
        CellInfo(
            id=experiment_id(arm.name, name),
            arm=arm.configuration,
            engine=arm.engine,
            profile=arm.profile,
            workload=IMAGE_GENERATION,
            compute=_SIMULATED,
            fault=name,
            trials=plan.trials,
            drain_s=plan.drain_s,
            predicted=_NO_ONE_FAULT,
            owed_effects=WORKLOADS[IMAGE_GENERATION].owed_effects,
            demands=demands_on(
                arm,
                CellKind.EXPERIMENT,
                repeats_reach_the_world=ignores_keys and EXPERIMENTS[name].needs_key,
            ),
            kind=CellKind.EXPERIMENT,
            mode=arm.mode,
            crash_point=str(point) if (point := EXPERIMENTS[name].point) else None,
            receiver=plan.receiver,
            lease_s=plan.lease_s,
        )
        for name in plan.experiments
        for arm in guarded_arms(plan)
    ]
