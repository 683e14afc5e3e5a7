"""The processes of an environment: workers, which may be killed, and callers."""

import asyncio
import itertools
import json
import os
import signal
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bench.arms.supervisor import Managed, ProcessSpec, Supervisor
from bench.arms.waiting import until
from bench.capabilities.patterns.watching import LedgerView
from shared.adapters.ledger import SqlLedger
from shared.adapters.sql import connect
from shared.adapters.workers import SqlWorkers
from shared.domain.records import AttemptRecord


class Names:
    """Names of processes, each given once."""

    def __init__(self) -> None:
        self._numbers = itertools.count(1)

    def next(self, what: str) -> str:
        return f"{what}-{next(self._numbers)}"


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


class Processes(LedgerView):
    """The processes of one environment of one engine, in groups of their own."""

    def __init__(
        self, engine: str, settings: Mapping[str, object], supervisor: Supervisor, names: Names
    ) -> None:
        database = connect(str(settings["database_url"]))
        super().__init__(SqlLedger(database))
        self.namespace = str(settings["namespace"])
        self._engine = engine
        self._supervisor = supervisor
        self._names = names
        self._env = {f"CHANGEOVER_{key.upper()}": str(value) for key, value in settings.items()}
        self._announced = SqlWorkers(database)
        self._workers: list[Worker] = []

    async def workers(self, *roles: str, slots: int = 1, version: str = "v1") -> Sequence[Worker]:
        """Make these the live workers of this environment, and no others; keep those that fit."""
        missing = Counter((role, slots, version) for role in roles)
        for worker in list(self._workers):
            if missing[worker.kind] > 0 and not worker.managed.exited():
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
                    *(sys.executable, "-m", "bench.capabilities.patterns.caller"),
                    *(self._engine, json.dumps(script)),
                ],
                env=self._env,
                arm=f"{self._engine}-{self.namespace}",
            )
        )
        await until(f"{name} has made its calls", managed.exited)
        await self._supervisor.stop([managed])
        assert managed.popen.returncode == 0, managed.log.read_text()
