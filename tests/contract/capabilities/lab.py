"""Environments of one engine: a server, worker processes that may be killed, and the ledger.

The suite knows an engine by two strings: the factory of its `Patterns` and the module of its
workers. What it believes comes from the ledger.
"""

import asyncio
import itertools
import json
import os
import signal
import sys
import time
import uuid
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, TypeVar

from bench.services import start_redis, start_temporal
from bench.supervisor import Managed, ProcessSpec, Supervisor
from shared.adapters.ledger import SqlLedger
from shared.adapters.sql import connect, create_tables
from shared.adapters.workers import SqlWorkers
from shared.domain.records import AttemptRecord
from shared.domain.status import RecordKind
from shared.ports.patterns import Happening, Outcome, Patterns, State
from shared.settings import Settings

T = TypeVar("T")

LIMIT_S = 45.0
_CALL_LIMIT_S = 10.0
_POLL_S = 0.05

ENVIRONMENTS = ("common", "crowd", "single", "split", "broken", "deploy")
"""Apart from each other, on the same servers; a test that breaks workers uses one of its own."""

_STARTED, _FINISHED = RecordKind.STARTED, RecordKind.FINISHED


async def until(what: str, holds: Callable[[], Any], limit_s: float = LIMIT_S) -> Any:
    """Return the first true value of `holds`, a function or a coroutine function."""
    give_up_at = time.monotonic() + limit_s
    while True:
        value = holds()
        if asyncio.iscoroutine(value):
            value = await value
        if value:
            return value
        assert time.monotonic() < give_up_at, f"not within {limit_s:g} s: {what}"
        await asyncio.sleep(_POLL_S)


@dataclass(frozen=True, slots=True)
class Worker:
    """One worker process."""

    name: str
    role: str
    slots: int
    version: str
    managed: Managed

    @property
    def kind(self) -> tuple[str, int, str]:
        return self.role, self.slots, self.version


class Environment:
    """One namespace of one engine. Calls are bounded; jobs get names of their own."""

    def __init__(
        self, engine: str, settings: Mapping[str, object], supervisor: Supervisor, names: "_Names"
    ) -> None:
        self.namespace = str(settings["namespace"])
        self._engine = engine
        self._supervisor = supervisor
        self._names = names
        self._env = {f"CHANGEOVER_{key.upper()}": str(value) for key, value in settings.items()}
        made = Settings(**settings)  # type: ignore[arg-type]  # pydantic checks the names
        database = connect(made.database_url)
        create_tables(database)
        self._ledger = SqlLedger(database)
        self._announced = SqlWorkers(database)
        create_patterns = import_module(f"{engine}_impl.patterns.engine").create_patterns
        self.patterns: Patterns = create_patterns(made)
        self._workers: list[Worker] = []

    # Workers

    async def workers(self, *roles: str, slots: int = 1, version: str = "v1") -> Sequence[Worker]:
        """Make these the live workers of this environment, and no others; keep those that fit."""
        missing = Counter((role, slots, version) for role in roles)
        for worker in list(self._workers):
            if missing[worker.kind] > 0:
                missing[worker.kind] -= 1
            else:
                await self.kill(worker)
        new = [self._launch(*kind) for kind in missing.elements()]
        names = {worker.name for worker in new}
        await until(f"{sorted(names)} are ready", lambda: self._ready(new))
        return list(self._workers)

    async def kill(self, *workers: Worker) -> None:
        """SIGKILL these workers, all if none is named, with their children, and reap them."""
        for worker in workers or tuple(self._workers):
            worker.managed.kill_group()
            await self._supervisor.stop([worker.managed])
            self._workers.remove(worker)

    async def kill_amid(self, job: str, worker: Worker) -> AttemptRecord:
        """SIGKILL a worker that has begun a step of this job and not ended it; return its record.

        Its processes are stopped while the ledger is read, and go on if it shows them idle.
        """

        async def struck() -> AttemptRecord | None:
            os.killpg(worker.managed.pid, signal.SIGSTOP)
            newest = {record.attempt_id: record for record in self.told(job)}
            for record in newest.values():
                if record.worker == worker.name and not record.kind.ends_attempt:
                    await self.kill(worker)
                    return record
            os.killpg(worker.managed.pid, signal.SIGCONT)
            return None

        record: AttemptRecord = await until(f"{worker.name} is amid a step of {job}", struck)
        return record

    async def stop(self, worker: Worker) -> None:
        """SIGTERM a worker, as a deployment does, and wait for its end."""
        await self._supervisor.stop([worker.managed])
        self._workers.remove(worker)

    def _launch(self, role: str, slots: int, version: str) -> Worker:
        name = self._names.next(role)
        spec = ProcessSpec(
            name=name,
            role=role,
            argv=[
                *(sys.executable, "-m", f"{self._engine}_impl.patterns.worker"),
                *("--role", role, "--version", version),
            ],
            env={
                **self._env,
                "CHANGEOVER_WORKER_NAME": name,
                "CHANGEOVER_CPU_SLOTS": str(slots),
                "PYTHONUNBUFFERED": "1",
            },
            arm=f"{self._engine}-{self.namespace}",
            stop_grace_s=float(self._env["CHANGEOVER_STOP_GRACE_S"]),
        )
        worker = Worker(name, role, slots, version, self._supervisor.start(spec))
        self._workers.append(worker)
        return worker

    def _ready(self, workers: Sequence[Worker]) -> bool:
        for worker in workers:
            assert not worker.managed.exited(), worker.managed.log.read_text()[-3000:]
        return {worker.name for worker in workers} <= {w.name for w in self._announced.alive()}

    # Requests

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

    async def over(self, job: str, limit_s: float = LIMIT_S) -> State:
        """Wait for the end of a job."""

        async def ended() -> State | None:
            state = await self.state(job)
            return None if state.outcome is Outcome.OPEN else state

        state: State = await until(f"{job} is over: {self.told(job)}", ended, limit_s)
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

    async def from_processes(self, *scripts: Sequence[list[object]]) -> None:
        """Make each script's calls at once, each script in a process of its own."""
        async with asyncio.TaskGroup() as group:
            for script in scripts:
                group.create_task(self._from_process(script))

    async def _from_process(self, script: Sequence[object]) -> None:
        name = self._names.next("caller")
        managed = self._supervisor.start(
            ProcessSpec(
                name=name,
                role="caller",
                argv=[
                    *(sys.executable, "-m", "tests.contract.capabilities.caller"),
                    *(self._engine, json.dumps(script)),
                ],
                env=self._env,
                arm=f"{self._engine}-{self.namespace}",
            )
        )
        await until(f"{name} has made its calls", managed.exited)
        await self._supervisor.stop([managed])
        assert managed.popen.returncode == 0, managed.log.read_text()

    # The ledger

    def told(
        self, job: str, step: str | None = None, kind: RecordKind | None = None
    ) -> list[AttemptRecord]:
        """Return what the ledger says of a job, of one of its steps, of one kind."""
        return [
            record
            for record in self._ledger.of_job(job)
            if step in (None, record.step) and kind in (None, record.kind)
        ]

    def started(self, job: str, step: str | None = None) -> list[AttemptRecord]:
        return self.told(job, step, _STARTED)

    def finished(self, job: str, step: str | None = None) -> list[AttemptRecord]:
        return self.told(job, step, _FINISHED)

    async def seen(
        self, job: str, step: str, kind: RecordKind, *, times: int = 1, limit_s: float = LIMIT_S
    ) -> list[AttemptRecord]:
        """Wait until a step has left this many records of a kind."""

        def enough() -> list[AttemptRecord] | None:
            records = self.told(job, step, kind)
            return records if len(records) >= times else None

        what = f"{job}: {times} x {step} {kind}"
        records: list[AttemptRecord] = await until(what, enough, limit_s)
        return records

    async def reached(self, job: str, step: str, done: int) -> AttemptRecord:
        """Wait until an attempt of `step` has recorded `done` units of progress."""

        def far_enough() -> AttemptRecord | None:
            records = self.told(job, step, RecordKind.PROGRESS)
            return next((record for record in records if record.done >= done), None)

        record: AttemptRecord = await until(f"{job}: {step} reaches {done}", far_enough)
        return record


class _Names:
    """Names of processes, each given once."""

    def __init__(self) -> None:
        self._numbers = itertools.count(1)

    def next(self, what: str) -> str:
        return f"{what}-{next(self._numbers)}"


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
        names = _Names()
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
    return {"temporal_address": server.address}
