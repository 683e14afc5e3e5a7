"""Environments of one engine, on one server.

The suite knows an engine by strings: the factory of its `Patterns`, the module of its workers, and
what its server has to be started with. What it believes comes from the ledger.
"""

import asyncio
import uuid
from collections.abc import AsyncIterator, Awaitable, Mapping, Sequence
from contextlib import asynccontextmanager
from importlib import import_module
from pathlib import Path
from typing import TypeVar

from bench.arms.services import start_redis, start_temporal
from bench.arms.supervisor import Supervisor
from bench.arms.waiting import until
from bench.capabilities.patterns.processes import Names, Processes
from bench.capabilities.patterns.watching import LIMIT_S
from shared.adapters.sql import connect, create_tables
from shared.ports.patterns import Happening, Outcome, Patterns, State
from shared.settings import Settings

T = TypeVar("T")

_CALL_LIMIT_S = 10.0

ENVIRONMENTS = ("common", "crowd", "single", "split", "broken", "deploy")
"""Apart from each other, on the same servers; a test that breaks workers uses one of its own."""


class Environment(Processes):
    """One namespace of one engine. Calls are bounded; jobs get names of their own."""

    def __init__(
        self, engine: str, settings: Mapping[str, object], supervisor: Supervisor, names: Names
    ) -> None:
        super().__init__(engine, settings, supervisor, names)
        create_patterns = import_module(f"{engine}_impl.patterns.engine").create_patterns
        made = Settings(**settings)  # type: ignore[arg-type]  # pydantic checks the names
        self.patterns: Patterns = create_patterns(made)

    async def start(self, pattern: str, **given: object) -> str:
        """Start a job under a new name, and return that."""
        job = self.name(pattern)
        await self.start_as(job, pattern, **given)
        return job

    async def start_as(self, job: str, pattern: str, **given: object) -> None:
        await _bounded(self.patterns.start(pattern, job, given))

    def name(self, pattern: str) -> str:
        """Return a name for a job that no other has."""
        return f"{pattern}-{uuid.uuid4().hex[:8]}"

    async def state(self, job: str) -> State:
        return await _bounded(self.patterns.state(job))

    async def send(self, job: str, event: str, value: object) -> None:
        await _bounded(self.patterns.send(job, event, value))

    async def complete(self, token: str, value: object) -> None:
        await _bounded(self.patterns.complete(token, value))

    async def cancel(self, job: str) -> None:
        await _bounded(self.patterns.cancel(job))

    async def history(self, job: str) -> Sequence[Happening]:
        return await _bounded(self.patterns.history(job))

    async def size(self, job: str) -> int:
        return await _bounded(self.patterns.size(job))

    async def put_schedule(self, schedule: str, every_s: float) -> None:
        await _bounded(self.patterns.put_schedule(schedule, every_s))

    async def pause_schedule(self, schedule: str, *, paused: bool) -> None:
        await _bounded(self.patterns.pause_schedule(schedule, paused=paused))

    async def trigger_schedule(self, schedule: str) -> None:
        await _bounded(self.patterns.trigger_schedule(schedule))

    async def delete_schedule(self, schedule: str) -> None:
        await _bounded(self.patterns.delete_schedule(schedule))

    async def over(self, job: str, limit_s: float = LIMIT_S) -> State:
        """Wait for the end of a job."""

        async def ended() -> State | None:
            state = await self.state(job)
            return None if state.outcome is Outcome.OPEN else state

        try:
            state: State = await until(f"{job} is over", ended, limit_s)
        except AssertionError as error:
            last = [f"{r.step} {r.kind} on {r.worker}" for r in self.told(job)[-5:]]
            error.add_note(f"its last records: {last}")
            raise
        return state

    async def drained(self) -> None:
        """Return when what was queued before has begun, as a job that is queued now has ended.

        For what must not happen: a second run of something would have begun by then.
        """
        ended = [await self.start("start", work_s=0.1) for _ in self._slots()]
        for job in ended:
            await self.over(job)

    def _slots(self) -> range:
        return range(sum(worker.slots for worker in self._workers))


async def _bounded(call: Awaitable[T]) -> T:
    async with asyncio.timeout(_CALL_LIMIT_S):
        return await call


class Lab:
    """One engine's server and environments."""

    def __init__(self, engine: str, environments: Mapping[str, Environment]) -> None:
        self.engine = engine
        self._environments = environments

    def __getitem__(self, name: str) -> Environment:
        return self._environments[name]


@asynccontextmanager
async def running_lab(engine: str, folder: Path) -> AsyncIterator[Lab]:
    """An engine with its server up and no workers yet; afterwards no process is left."""
    async with Supervisor(folder / "logs") as supervisor:
        server = await _start_server(engine, supervisor, folder)
        common: dict[str, object] = {
            "backend": engine,
            "database_url": f"sqlite:///{folder / 'lab.db'}",
            "artifacts_url": f"file://{folder / 'artifacts'}",
            "compute": "simulated",
            "detection_budget_s": 5.0,
            "stop_grace_s": 5.0,
            **server,
        }
        create_tables(connect(str(common["database_url"])))
        names = Names()
        environments = {
            name: Environment(engine, {**common, "namespace": name}, supervisor, names)
            for name in ENVIRONMENTS
        }
        try:
            yield Lab(engine, environments)
        finally:
            for environment in environments.values():
                await environment.patterns.close()
                await environment.kill()


async def _start_server(engine: str, supervisor: Supervisor, folder: Path) -> dict[str, object]:
    if engine == "celery":
        return {"redis_url": f"{(await start_redis(supervisor, folder / 'redis')).url}/0"}
    options: Sequence[str] = import_module("temporal_impl.patterns.server").SERVER_OPTIONS
    server = await start_temporal(supervisor, folder / "temporal", ENVIRONMENTS, options)
    return {
        "temporal_address": server.address,
        "temporal_envconfig": False,
        "temporal_tls": False,
        "temporal_api_key": "",
    }
