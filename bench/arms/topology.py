"""The processes of one arm, equal for every arm: a facade, GPU workers, CPU workers."""

import asyncio
import json
import sys
import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

import httpx

from bench.arms.addresses import Backends
from bench.arms.engines import ENGINES, recovers
from bench.arms.forked import ForkServer
from bench.arms.ports import free_port
from bench.arms.supervisor import Managed, ProcessSpec, Supervisor
from bench.errors import NotFit
from shared.domain.faces import FACE_SIMILARITY

READY_LIMIT_S = 180.0
_CRASHES_BEFORE_GIVING_UP = 3
_SHORT_GRACE_S = 3.0
_FACADE = "shared.facade"
SHARED_MODULES = ("shared.preload", _FACADE)
"""What the processes of every arm import, whichever their engine."""
_PRELOADED = "LD_PRELOAD"
"""What the dynamic linker reads, which a fork does not go through again."""
WORKER_NICE = 5
"""Workers stand back behind the servers, which elsewhere have machines of their own: a worker that
starts again takes a processor for a second, and would slow down what its peers are served by."""


class Role(StrEnum):
    """What a process of an arm is there for."""

    GPU = "gpu"
    CPU = "cpu"
    FACADE = "facade"
    SERVER = "server"
    """The engine's: Celery's broker, Temporal's service."""
    BEAT = "beat"
    """What keeps an engine's schedules, where its server does not."""


WORKERS = frozenset({Role.GPU, Role.CPU})
"""The roles of those that run steps."""


@dataclass(frozen=True, slots=True)
class Topology:
    """How many of what, and how they are restarted and stopped. Seconds."""

    gpu_workers: int = 2
    cpu_workers: int = 1
    cpu_slots: int = 4
    restart_delay_s: float = 1.0
    stop_grace_s: float = 20.0
    detection_budget_s: float = 20.0


@dataclass(frozen=True, slots=True)
class Arm:
    """An engine and the profile that configures it."""

    engine: str
    profile: str
    twin: bool = field(default=False, kw_only=True)
    """The same arm once more, beside itself."""

    @property
    def name(self) -> str:
        """`celery/hardened`, and `celery/hardened-twin`."""
        return f"{self.engine}/{self.profile}{'-twin' if self.twin else ''}"

    @property
    def configuration(self) -> str:
        """What decides its settings: the engine and the profile."""
        return f"{self.engine}/{self.profile}"

    @property
    def slug(self) -> str:
        """The name as a folder or namespace: `celery-hardened`."""
        return self.name.replace("/", "-")


@dataclass(slots=True)
class Stack:
    """The running processes of one arm."""

    arm: Arm
    url: str
    database_url: str
    folder: Path
    facade: Managed
    workers: list[Managed] = field(default_factory=list)
    schedulers: list[Managed] = field(default_factory=list)

    @property
    def processes(self) -> list[Managed]:
        """All of them, the facade last, so that it is the last to be stopped."""
        return [*self.schedulers, *self.workers, self.facade]

    def place(self, name: str) -> Managed:
        """Return the process of this name; `LookupError` if there is none."""
        for place in self.processes:
            if place.spec.name == name:
                return place
        raise LookupError(f"{self.arm.name} has no process {name!r}")


def modules_of(engine: str) -> list[str]:
    """Return the modules that the processes of an arm run, the workers' first."""
    scheduler = ENGINES[engine].scheduler
    return [_worker_module(engine), _FACADE, *([scheduler] if scheduler else [])]


def _worker_module(engine: str) -> str:
    return f"{ENGINES[engine].package}.worker"


def start_stack(
    supervisor: Supervisor,
    *,
    arm: Arm,
    engines: list[str],
    workloads: Collection[str],
    topology: Topology,
    backends: Backends,
    folder: Path,
    namespace: str,
    env: Mapping[str, str],
    port: int | None = None,
    worker_env: Mapping[str, Mapping[str, str]] | None = None,
    forked_by: ForkServer | None = None,
) -> Stack:
    """Start a facade and the workers of `engines`; `await_ready` says when they are ready.

    `env` are further `CHANGEOVER_` variables; they win over what is worked out here. `worker_env`
    are a single worker's, by its name. With `forked_by`, a server that has imported `modules_of`,
    nothing is imported again; but for a worker whose environment has to be there before Python is.
    """
    temporary = folder / "tmp"  # a killed pool leaves files there
    temporary.mkdir(parents=True, exist_ok=True)
    port = port or free_port()
    common = {
        "CHANGEOVER_BACKEND": arm.engine,
        "CHANGEOVER_PROFILE": arm.profile,
        "CHANGEOVER_NAMESPACE": namespace,
        "CHANGEOVER_TEMPORAL_NAMESPACE": namespace,
        "CHANGEOVER_WORKLOADS": json.dumps(sorted(workloads)),
        "CHANGEOVER_DATABASE_URL": f"sqlite:///{folder / 'changeover.db'}",
        "CHANGEOVER_ARTIFACTS_URL": f"file://{folder / 'artifacts'}",
        "CHANGEOVER_DETECTION_BUDGET_S": str(topology.detection_budget_s),
        "CHANGEOVER_STOP_GRACE_S": str(topology.stop_grace_s),
        "CHANGEOVER_CPU_SLOTS": str(topology.cpu_slots),
        "PYTHONUNBUFFERED": "1",
        "TMPDIR": str(temporary.absolute()),
        **backends.env(),
        **env,
    }

    def start(
        role: str, name: str, *argv: str, stop_grace_s: float = _SHORT_GRACE_S, nice: int = 0
    ) -> Managed:
        own = (worker_env or {}).get(name, {})
        return supervisor.start(
            ProcessSpec(
                name=name,
                role=role,
                argv=[sys.executable, "-m", *argv],
                env={**common, "CHANGEOVER_WORKER_NAME": name, **own},
                forked_by=None if _PRELOADED in own else forked_by,
                arm=arm.name,
                restart_delay_s=topology.restart_delay_s,
                stop_grace_s=stop_grace_s,
                nice=nice,
            )
        )

    facade = start("facade", "facade", _FACADE, "--port", str(port))
    database_url = common["CHANGEOVER_DATABASE_URL"]
    stack = Stack(arm, f"http://127.0.0.1:{port}", database_url, folder, facade)
    for engine in engines:
        prefix = "" if len(engines) == 1 else f"{engine}-"
        for role, count in (("cpu", topology.cpu_workers), ("gpu", topology.gpu_workers)):
            argv = (_worker_module(engine), "--role", role)
            for index in range(count):
                name = f"{prefix}{role}-{index}"
                worker = start(
                    role, name, *argv, stop_grace_s=topology.stop_grace_s, nice=WORKER_NICE
                )
                stack.workers.append(worker)
        scheduler = ENGINES[engine].scheduler
        if scheduler and (FACE_SIMILARITY in workloads or recovers(engine, arm.profile)):
            stack.schedulers.append(start("beat", f"{prefix}beat", scheduler))
    return stack


async def await_ready(stack: Stack, limit_s: float = READY_LIMIT_S) -> None:
    """Return once every worker has announced itself; `NotFit` says who has not."""
    give_up_at = time.monotonic() + limit_s
    expected = {place.spec.name for place in stack.workers}
    missing = "the facade does not answer"
    async with httpx.AsyncClient(base_url=stack.url, timeout=5) as client:
        while time.monotonic() < give_up_at:
            try:
                ready = await client.get("/readyz")
                workers = (await client.get("/v1/operator/workers")).json()
                absent = expected - {worker["name"] for worker in workers}
                if ready.status_code == 200 and not absent:
                    return
                missing = f"waiting for {', '.join(sorted(absent))}; {ready.text[:300]}"
            except (httpx.HTTPError, ValueError) as error:
                missing = f"the facade at {stack.url} does not answer: {error!r}"
            for place in stack.processes:
                if place.restarts >= _CRASHES_BEFORE_GIVING_UP:
                    raise NotFit(
                        f"{stack.arm.name}: {place.spec.name} ends as soon as it starts:"
                        f" {place.last_words()}"
                    )
            await asyncio.sleep(0.1)
    raise NotFit(f"{stack.arm.name} was not ready in {limit_s:g} s ({missing}); see its logs")
