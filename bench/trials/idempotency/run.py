"""Runs every experiment on every arm in every mode, one experiment after another."""

import asyncio
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import httpx

from bench.arms.addresses import Backends
from bench.arms.facts import ask
from bench.arms.services import start_effect_sink
from bench.arms.supervisor import Supervisor
from bench.faults.experiments import EXPERIMENTS, Experiment, Receiver
from bench.load.finals import final_states
from bench.load.plan import COLOURS, SHAPES
from bench.record.history import History
from bench.record.run_info import ServiceInfo
from bench.scenario.idempotency import IdempotencyPlan
from bench.scenario.model import Scenario
from bench.trials.idempotency.arms import guarded_arms
from bench.trials.idempotency.fleet import Crew, Fleet, Member, model_loads, running_fleet
from bench.trials.idempotency.infos import cell_id, lease_s
from bench.trials.idempotency.trial import Trial
from shared.domain.jobs import EffectiveSetting
from shared.domain.records import EffectRecord
from shared.policy import Queue
from shared.sabotage import Strike

_ZOMBIES_AT_ONCE = 3
_SIZE_PX = 64


@dataclass(slots=True)
class IdempotencyOutcome:
    """What the experiments left behind."""

    history: History = field(default_factory=History)
    settings: dict[str, list[EffectiveSetting]] = field(default_factory=dict)
    services: dict[str, ServiceInfo] = field(default_factory=dict)


async def run_idempotency(
    supervisor: Supervisor,
    backends: Mapping[str, Backends],
    scenario: Scenario,
    plan: IdempotencyPlan,
    *,
    folder: Path,
    say: Callable[[str], None],
) -> IdempotencyOutcome:
    """Run the plan and end its processes. `backends` are by namespace."""
    outcome = IdempotencyOutcome()
    say("idempotency: starting the outside world")
    worlds = _Worlds(
        *[
            (await start_effect_sink(supervisor, folder / name, options, name)).url
            for name, options in _sinks(plan).items()
        ]
    )
    backends = {name: replace(each, effects_url=worlds.polite) for name, each in backends.items()}
    say(f"idempotency: starting {len(guarded_arms(plan))} stacks")
    async with running_fleet(supervisor, backends, scenario, plan, folder) as fleet:
        for member in fleet.members:
            if member.arm.arm not in outcome.settings:  # the mode changes neither
                facts = await ask(member.stack)
                outcome.settings[member.arm.arm] = facts.settings
                outcome.services[facts.service.name] = facts.service
        for number, experiment in enumerate(_in_order(plan), start=1):
            say(f"idempotency: {experiment.name} ({number} of {len(plan.experiments)})")
            await fleet.equip(_crews(experiment, plan, worlds))
            await asyncio.gather(
                *(
                    _run_trials(member, experiment, plan, scenario.seed, outcome.history)
                    for member in fleet.members
                )
            )
        outcome.history.effects += await worlds.calls()
        _keep_ledgers(fleet, outcome.history)
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
        found = []
        for url in (self.polite, self.hanging_up):
            async with httpx.AsyncClient(base_url=url, timeout=30) as client:
                calls = (await client.get("/calls")).raise_for_status().json()
            found += [EffectRecord(**call) for call in calls]
        return found


def _sinks(plan: IdempotencyPlan) -> dict[str, list[str]]:
    """The options of the two sinks, by name, the polite one first."""
    keys = ["--ignore-keys"] if plan.receiver is Receiver.IGNORES_KEYS else []
    drop = f"{EXPERIMENTS['reply_dropped'].step}:once-a-job"
    return {"world": keys, "world-hanging-up": [*keys, "--drop-reply", drop]}


def _crews(experiment: Experiment, plan: IdempotencyPlan, worlds: _Worlds) -> dict[Queue, Crew]:
    """Arm the workers that run the step; a zombie needs one more worker that is awake."""
    crews = {role: Crew() for role in Queue}
    if experiment.point is None:
        crews[experiment.role] = Crew(1, {"CHANGEOVER_EFFECTS_URL": worlds.hanging_up})
    else:
        zombies = _zombies(plan) if experiment.strike is Strike.FREEZE else 0
        crews[experiment.role] = Crew(
            zombies + 1, {"CHANGEOVER_CRASH_POINT": str(experiment.point)}
        )
    return crews


def _zombies(plan: IdempotencyPlan) -> int:
    return min(plan.trials, _ZOMBIES_AT_ONCE)


async def _run_trials(
    member: Member, experiment: Experiment, plan: IdempotencyPlan, seed: int, history: History
) -> None:
    cell = cell_id(member.arm.name, experiment.name)
    trials = [
        Trial(
            name=f"{cell}#{number}",
            cell=cell,
            member=member,
            experiment=experiment,
            lease_s=lease_s(plan),
            drain_s=plan.drain_s,
        )
        for number in range(1, plan.trials + 1)
    ]
    # The same jobs on every member. A worker is left awake for every zombie's successor.
    bodies = _bodies(plan, random.Random(f"{seed}:{experiment.name}"))
    frozen = experiment.strike is Strike.FREEZE
    at_once = asyncio.Semaphore(_zombies(plan) if frozen else plan.trials)
    async with httpx.AsyncClient(base_url=member.stack.url, timeout=5) as client:

        async def run(trial: Trial, body: dict[str, Any]) -> None:
            async with at_once:
                await trial.run(client, body)

        async with asyncio.TaskGroup() as group:
            for trial, body in zip(trials, bodies, strict=True):
                group.create_task(run(trial, body))
    ops = [op for trial in trials for op in trial.ops]
    history.ops += ops
    history.faults += [event for trial in trials for event in trial.faults]
    history.finals += await final_states(member.stack, cell, ops)


def _bodies(plan: IdempotencyPlan, rng: random.Random) -> list[dict[str, Any]]:
    return [
        {
            "prompt": "a {} {} on a {} background".format(
                *(rng.choice(COLOURS), rng.choice(SHAPES), rng.choice(COLOURS))
            ),
            "user_id": f"user-{rng.randrange(100)}",
            "n": 1,
            "steps": plan.steps,
            "seed": rng.randrange(2**31 - 8),
            "width": _SIZE_PX,
            "height": _SIZE_PX,
        }
        for _ in range(plan.trials)
    ]


def _keep_ledgers(fleet: Fleet, history: History) -> None:
    for member in fleet.members:
        member.tail.refresh()
        history.attempts += member.tail.records
    history.processes += model_loads(fleet.members)
