"""Runs every experiment on every arm in every mode, one experiment after another."""

import asyncio
import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any

import httpx

from bench.arms.addresses import Backends
from bench.arms.services import start_effect_sink
from bench.arms.supervisor import Supervisor
from bench.faults.experiments import EXPERIMENTS, Experiment, Receiver
from bench.load.effects import calls_of
from bench.load.finals import accepted, final_states
from bench.load.plan import ANSWER_LIMIT_S, image_bodies
from bench.record.history import History
from bench.scenario.idempotency import IdempotencyPlan, experiment_id
from bench.scenario.model import Scenario
from bench.trials.idempotency.deployment import Deployment, Groups, WorkerGroup, arm_plans
from bench.trials.idempotency.trial import Trial
from bench.trials.live_arms import LiveArm, running_arms
from bench.trials.outcome import Outcome
from shared.crash_points import CrashAction
from shared.domain.records import EffectRecord
from shared.policy import Queue

_ZOMBIES_AT_ONCE = 3
_SIZE_PX = 64


async def run_idempotency(
    supervisor: Supervisor,
    backends: Mapping[str, Backends],
    scenario: Scenario,
    plan: IdempotencyPlan,
    *,
    folder: Path,
    say: Callable[[str], None],
) -> Outcome:
    """Run the plan and end its processes. `backends` are by namespace."""
    outcome = Outcome()
    say("idempotency: starting the outside world")
    worlds = _Worlds(
        *[
            (
                await start_effect_sink(
                    supervisor, folder / name, options, name, scenario.durability
                )
            ).url
            for name, options in _sinks(plan).items()
        ]
    )
    backends = {name: replace(each, effects_url=worlds.polite) for name, each in backends.items()}
    plans = arm_plans(scenario, plan, backends)
    say(f"idempotency: starting {len(plans)} arms")
    async with running_arms(supervisor, plans, folder) as arms:
        await outcome.ask(arms)
        deployment = Deployment(supervisor, arms)
        for number, experiment in enumerate(_in_order(plan), start=1):
            say(f"idempotency: {experiment.name} ({number} of {len(plan.experiments)})")
            await deployment.deploy(_groups(experiment, plan, worlds))
            await asyncio.gather(
                *(
                    _run_trials(arm, experiment, plan, scenario.seed, outcome.history)
                    for arm in arms
                )
            )
        outcome.history.effects += await worlds.calls()
        outcome.keep_ledgers(arms)
    return outcome


def _in_order(plan: IdempotencyPlan) -> list[Experiment]:
    """The plan's experiments, those on one role together: the other's workers can then stay."""
    experiments = [EXPERIMENTS[name] for name in plan.experiments]
    roles = list(dict.fromkeys(experiment.role for experiment in experiments))
    return sorted(experiments, key=lambda experiment: roles.index(experiment.role))


@dataclass(frozen=True, slots=True)
class _Worlds:
    """Where effects go: to a sink that answers, or to one that hangs up once a job."""

    polite: str
    hanging_up: str

    async def calls(self) -> list[EffectRecord]:
        """Return every call that either received."""
        return [*await calls_of(self.polite), *await calls_of(self.hanging_up)]


def _sinks(plan: IdempotencyPlan) -> dict[str, list[str]]:
    """The options of the two sinks, by name, the polite one first."""
    keys = ["--ignore-keys"] if plan.receiver is Receiver.IGNORES_KEYS else []
    drop = f"{EXPERIMENTS['reply_dropped'].step}:once-a-job"
    return {"world": keys, "world-hanging-up": [*keys, "--drop-reply", drop]}


def _groups(experiment: Experiment, plan: IdempotencyPlan, worlds: _Worlds) -> Groups:
    """Arm the workers that run the step; a zombie needs one more worker that is awake."""
    if experiment.point is None:
        armed = WorkerGroup(1, {"CHANGEOVER_EFFECTS_URL": worlds.hanging_up})
    else:
        zombies = _zombies(plan) if experiment.action is CrashAction.FREEZE else 0
        armed = WorkerGroup(zombies + 1, {"CHANGEOVER_CRASH_POINT": str(experiment.point)})
    return {**dict.fromkeys(Queue, WorkerGroup()), experiment.role: armed}


def _zombies(plan: IdempotencyPlan) -> int:
    return min(plan.trials, _ZOMBIES_AT_ONCE)


async def _run_trials(
    arm: LiveArm, experiment: Experiment, plan: IdempotencyPlan, seed: int, history: History
) -> None:
    cell = experiment_id(arm.stack.arm.name, experiment.name)
    trials = [
        Trial(
            name=f"{cell}#{number}",
            cell=cell,
            arm=arm,
            experiment=experiment,
            lease_s=plan.lease_s,
            drain_s=plan.drain_s,
        )
        for number in range(1, plan.trials + 1)
    ]
    # The same jobs on every arm. A worker is left awake for every zombie's successor.
    bodies = _bodies(plan, random.Random(f"{seed}:{experiment.name}"))
    frozen = experiment.action is CrashAction.FREEZE
    at_once = asyncio.Semaphore(_zombies(plan) if frozen else plan.trials)
    async with httpx.AsyncClient(base_url=arm.stack.url, timeout=ANSWER_LIMIT_S) as client:

        async def run(trial: Trial, body: dict[str, Any]) -> None:
            async with at_once:
                await trial.run(client, body)

        async with asyncio.TaskGroup() as group:
            for trial, body in zip(trials, bodies, strict=True):
                group.create_task(run(trial, body))
    ops = [op for trial in trials for op in trial.ops]
    history.ops += ops
    history.faults += [event for trial in trials for event in trial.faults]
    history.finals += await final_states(arm.stack, cell, accepted(ops))


def _bodies(plan: IdempotencyPlan, rng: random.Random) -> Iterator[dict[str, Any]]:
    bodies = image_bodies(rng, n=[1], steps=plan.steps, width=_SIZE_PX, height=_SIZE_PX)
    return islice(bodies, plan.trials)
