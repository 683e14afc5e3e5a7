"""What `run.json` says of the experiments, so that their record can be judged without the code."""

from bench.faults.experiments import EXPERIMENTS, Experiment, Receiver
from bench.record.run_info import ExperimentInfo
from bench.scenario.idempotency import IdempotencyPlan
from bench.trials.idempotency.arms import GuardedArm, guarded_arms
from shared.ports.idempotency import IdempotencyMode
from shared.settings import Settings

_NO_REPEATED_EFFECT = "no_duplicate_effects"
_OF_FENCED = ["no_loss", "no_phantoms", "no_duplicate_executions", _NO_REPEATED_EFFECT]


def cell_id(place: str, experiment: str) -> str:
    """Return what operations and final states name as their cell."""
    return f"idempotency/{place}/{experiment}"


def lease_s(plan: IdempotencyPlan) -> float:
    """Return how long a step is held for a worker that is silent, as the workers work it out."""
    return Settings(detection_budget_s=plan.detection_budget_s).lease_s


def experiment_infos(plan: IdempotencyPlan, owed_effects: list[str]) -> list[ExperimentInfo]:
    """Return one a mode, arm and experiment, experiments in the plan's order."""
    return [
        ExperimentInfo(
            id=cell_id(arm.name, name),
            place=arm.name,
            arm=arm.arm,
            engine=arm.engine,
            profile=arm.profile,
            mode=arm.mode,
            experiment=name,
            crash_point=str(point) if (point := EXPERIMENTS[name].point) else None,
            receiver=plan.receiver,
            trials=plan.trials,
            lease_s=lease_s(plan),
            drain_s=plan.drain_s,
            owed_effects=owed_effects,
            demands=_demands(arm, EXPERIMENTS[name], plan.receiver),
        )
        for name in plan.experiments
        for arm in guarded_arms(plan)
    ]


def _demands(arm: GuardedArm, experiment: Experiment, receiver: Receiver) -> list[str]:
    """Only `fenced` on a hardened arm has a promise to keep; the others are there to be seen."""
    if arm.mode is not IdempotencyMode.FENCED or arm.profile != "hardened":
        return []
    out_of_reach = experiment.needs_key and receiver is Receiver.IGNORES_KEYS
    return [d for d in _OF_FENCED if not (out_of_reach and d == _NO_REPEATED_EFFECT)]
