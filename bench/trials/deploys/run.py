"""Runs jobs on one arm a way, deploys the change to all of them, and follows jobs to their end."""

import asyncio
import random
import time
import uuid
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from itertools import islice
from pathlib import Path

from bench.arms.backends import start_backends
from bench.arms.supervisor import Supervisor
from bench.arms.topology import Topology
from bench.errors import NotFit
from bench.load.client import Client, connected
from bench.load.effects import calls_of
from bench.load.finals import accepted, final_states
from bench.load.plan import image_bodies
from bench.record.history import History, merged, write_history
from bench.trials.deploys.builds import FIRST, build
from bench.trials.deploys.changes import WAYS, DeployedArm
from bench.trials.deploys.rollout import deploy, drained, make_current, replays
from bench.trials.deploys.story import AFTER, BEFORE, Deployed, Story, judged
from bench.trials.live_arms import ArmPlan, LiveArm, running_arms
from bench.trials.outcome import Outcome
from shared.domain.jobs import IMAGE_GENERATION
from shared.domain.status import RecordKind
from shared.policy import GENERATE_IMAGE, RESERVE_CREDITS

_PICTURES, _STEPS, _STEP_S, _SIZE_PX = 2, 20, 0.1, 64
# A picture is done well within the grace, so that a stop repeats nothing and what is seen is the
# change. It is followed by the restart.
_TOPOLOGY = Topology(gpu_workers=2, stop_grace_s=10.0, detection_budget_s=5.0)
_POLL_S = 0.05
_LIMIT_S = 60.0
_SUBMIT_S = 20.0


async def run_deploys(
    jobs: int, drain_s: float, seed: int, folder: Path, say: Callable[[str], None]
) -> list[Deployed]:
    """Run so many jobs before each deploy and half as many after it; judge them `drain_s` later.

    What happened is in `history.jsonl`, the new builds in `builds`.
    """
    arms = [DeployedArm(way.engine, way.profile, way) for way in WAYS]
    builds = {arm.name: build(arm.way, folder / "builds" / arm.slug) for arm in arms}
    outcome = Outcome()
    async with Supervisor(folder / "logs") as supervisor:
        say("starting servers")
        engines = list(dict.fromkeys(arm.engine for arm in arms))
        namespaces = [arm.namespace for arm in arms if arm.engine == "temporal"]
        backends = await start_backends(
            supervisor, folder / "servers", engines, namespaces, own_sink=True
        )
        plans = [
            ArmPlan(
                arm=arm,
                namespace=arm.namespace,
                backends=backends.numbered(number),
                topology=_TOPOLOGY,
                workloads=[IMAGE_GENERATION],
                env=_env(arm),
            )
            for number, arm in enumerate(arms)
        ]
        say(f"starting {', '.join(arm.name for arm in arms)}")
        async with running_arms(supervisor, plans, folder) as live:
            say(f"{jobs} jobs on each, the change deployed, {jobs // 2} more jobs")
            stories = [Story(*pair) for pair in zip(live, arms, strict=True)]
            await asyncio.gather(
                *(
                    _tell(supervisor, story, builds[story.arm.name], jobs, drain_s, seed)
                    for story in stories
                )
            )
            outcome.keep_ledgers(live)
        world = History(effects=await calls_of(backends.effects_url), processes=supervisor.events)
    history = merged([world, outcome.history, *(story.history for story in stories)])
    write_history(folder / "history.jsonl", history)
    return [judged(story, history) for story in stories]


def _env(arm: DeployedArm) -> dict[str, str]:
    return {
        "CHANGEOVER_COMPUTE": "simulated",
        "CHANGEOVER_SIMULATED_STEP_S": str(_STEP_S),
        "CHANGEOVER_BUILD_ID": FIRST,
        "CHANGEOVER_WORKER_VERSIONING": "pinned" if arm.way.pinned else "off",
    }


async def _tell(
    supervisor: Supervisor,
    story: Story,
    env: Mapping[str, str],
    jobs: int,
    drain_s: float,
    seed: int,
) -> None:
    way, stack, ops = story.arm.way, story.live.stack, story.history.ops
    bodies = image_bodies(
        random.Random(seed), n=[_PICTURES], steps=_STEPS, width=_SIZE_PX, height=_SIZE_PX
    )
    if way.pinned:
        await make_current(stack, FIRST)
    async with (
        connected(stack.url, story.cell(BEFORE), ops) as early,
        connected(stack.url, story.cell(AFTER), ops) as late,
    ):
        before = await _submit(early, islice(bodies, max(1, jobs // 4)))
        await _until_under_way(story.live, before)
        if way.asks_replay:
            story.replay = await replays(stack, env)
        # Most come now: the answer takes seconds, and a deploy is to find jobs under way.
        before += await _submit(early, islice(bodies, jobs - len(before)))
        await _until_under_way(story.live, before)
        story.began_s = time.monotonic()
        kept = await deploy(supervisor, stack, env, pinned=way.pinned)
        story.ready_s = time.monotonic()
        after = await _submit(late, islice(bodies, jobs // 2))

        async def see_the_old_out() -> None:
            over = await early.until_over(before, drain_s)
            if kept and over:
                with suppress(TimeoutError):
                    async with asyncio.timeout(drain_s):
                        await drained(supervisor, stack, kept)
                        story.kept_s = time.monotonic() - story.began_s

        await asyncio.gather(see_the_old_out(), late.until_over(after, drain_s))
    for when in (BEFORE, AFTER):
        cell = story.cell(when)
        mine = accepted(op for op in ops if op.cell == cell)
        story.history.finals += await final_states(stack, cell, mine)


async def _submit(client: Client, bodies: Iterable[Mapping[str, object]]) -> list[str]:
    answers = [
        await client.submit_until_answered(body, uuid.uuid4().hex, _SUBMIT_S) for body in bodies
    ]
    return [answer.job_id for answer in answers if answer.job_id is not None]


async def _until_under_way(live: LiveArm, jobs: list[str]) -> None:
    """Return once every job has its credits reserved and one has a quarter of a picture."""
    give_up_at = time.monotonic() + _LIMIT_S
    while time.monotonic() < give_up_at:
        reserved = {
            record.job_id
            for record in live.tail.records
            if (record.step, record.kind) == (RESERVE_CREDITS, RecordKind.FINISHED)
        }
        begun = any(
            records[-1].step.startswith(GENERATE_IMAGE) and records[-1].done >= _STEPS / 4
            for records in live.tail.open_attempts()
        )
        if begun and reserved.issuperset(jobs):
            return
        await asyncio.sleep(_POLL_S)
    raise NotFit(f"{live.stack.arm.name}: its jobs do not get under way; see its logs")
