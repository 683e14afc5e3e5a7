"""Brings a build to the processes of an arm, in place of the first or beside it."""

import asyncio
import os
import sys
import time
from collections.abc import Collection, Mapping
from dataclasses import replace

from bench.arms.ending import end_within_grace
from bench.arms.supervisor import Managed, Supervisor
from bench.arms.topology import READY_LIMIT_S, Role, Stack, await_ready
from bench.errors import NotFit
from bench.trials.deploys.builds import FIRST, SECOND

_POLL_S = 0.1
_EVERY_JOB = 'WorkflowType = "ImageGenerationWorkflow"'
"""Also those that are over by the time of the question."""


async def deploy(
    supervisor: Supervisor, stack: Stack, env: Mapping[str, str], *, pinned: bool
) -> list[Managed]:
    """Run the second build on an arm, and return once it is ready.

    Returns the workers of the first build that were left beside it: with `pinned` those that run
    workflows, until `drained`. All others stop as they would for any deploy.
    """
    kept = [each for each in stack.workers if each.spec.role == Role.CPU] if pinned else []
    for old in kept:
        name = f"{old.spec.name}-{SECOND}"
        own = {"CHANGEOVER_WORKER_NAME": name, **env}
        spec = replace(old.spec, name=name, env={**old.spec.env, **own}, forked_by=None)
        stack.workers.append(supervisor.start(spec))
    if pinned:
        await make_current(stack, SECOND)
    await _replace(stack, [p for p in stack.processes if p not in kept and not _runs(p, env)], env)
    return kept


def _runs(place: Managed, env: Mapping[str, str]) -> bool:
    return env.items() <= place.spec.env.items()


async def _replace(stack: Stack, places: Collection[Managed], env: Mapping[str, str]) -> None:
    starts = {place: place.restarts for place in places}
    for place in places:
        place.spec = replace(place.spec, env={**place.spec.env, **env}, forked_by=None)
    await asyncio.gather(*(_stop(place) for place in places))
    give_up_at = time.monotonic() + READY_LIMIT_S
    while not all(place.restarts > starts[place] for place in places):
        if time.monotonic() > give_up_at:
            raise NotFit(f"{stack.arm.name}: the second build does not start; see its logs")
        await asyncio.sleep(_POLL_S)
    await await_ready(stack)


async def _stop(place: Managed) -> None:
    pid = place.pid
    place.terminate()
    await end_within_grace(place, pid)


async def make_current(stack: Stack, build: str) -> None:
    """Let new workflows begin on a build, as a pipeline does once its workers run."""
    await _ask(stack, "temporal_impl.rollout", "make-current", build)


async def drained(supervisor: Supervisor, stack: Stack, kept: Collection[Managed]) -> None:
    """Return once no workflow is left that only the first build can go on with, and its workers
    are gone."""
    while int(await _ask(stack, "temporal_impl.rollout", "open", FIRST)):
        await asyncio.sleep(_POLL_S)
    await supervisor.stop(list(kept))
    stack.workers = [place for place in stack.workers if place not in kept]


async def replays(stack: Stack, env: Mapping[str, str]) -> str:
    """Return what `changeover replay` says, in the changed code, of the jobs so far."""
    command = ("temporal_impl.replay", "--from-server", "--query", _EVERY_JOB)
    return (await _ask(stack, *command, env=env, may_fail=True)).splitlines()[-1]


async def _ask(
    stack: Stack, *command: str, env: Mapping[str, str] | None = None, may_fail: bool = False
) -> str:
    """Run a module of the engine's in an arm's environment, and return what it prints."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", *command),
        env={**os.environ, **stack.facade.spec.env, **(env or {})},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        out, errors = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode and not (may_fail and process.returncode == 1 and out):
        said = errors.decode().strip().splitlines() or ["it says nothing"]
        raise NotFit(f"{stack.arm.name}: {' '.join(command)}: {said[-1]}")
    return out.decode().strip()
