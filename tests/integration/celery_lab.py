"""A broker, an effect sink and real worker processes for the tests of the Celery engine."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import httpx

from bench.arms.rabbitmq import rabbit_node
from bench.arms.services import redis_binary
from celery_impl.engine import CeleryEngine
from celery_impl.kept_by_us.queues import HeldMessage
from celery_impl.kept_by_us.redis_queues import RedisQueues
from shared.adapters.artifacts import FsspecArtifacts
from shared.adapters.jobs import SqlJobs
from shared.adapters.ledger import SqlLedger
from shared.adapters.sql import connect, create_tables
from shared.adapters.uploads import SqlUploads
from shared.adapters.workers import SqlWorkers
from shared.codec import to_json
from shared.domain.faces import FACE_SIMILARITY, FaceSession
from shared.domain.ids import JobId
from shared.domain.jobs import IMAGE_GENERATION, EngineView, ImageJob
from shared.domain.records import AttemptRecord
from shared.domain.status import RecordKind
from shared.ports.uploads import Upload
from shared.settings import Settings

T = TypeVar("T")

BUDGET_S = 4.0
ONCE = ["reserve_credits", "capture_credits", "notify_user"]
"""The effects of an image job, each applied once."""
_LIMIT_S = 60.0


def until(read: Callable[[], T | None], what: str, limit_s: float = _LIMIT_S) -> T:
    """Return the first truthy value of `read`; `AssertionError` after `limit_s` seconds."""
    give_up_at = time.monotonic() + limit_s
    while not (value := read()):
        assert time.monotonic() < give_up_at, f"not within {limit_s:g} s: {what}"
        time.sleep(0.02)
    return value


async def over(engine: CeleryEngine, job_id: JobId) -> EngineView:
    """Wait for the end of a job."""
    async with asyncio.timeout(90):
        while not (view := await engine.view(job_id)).status.terminal:
            await asyncio.sleep(0.05)
    return view


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@dataclass
class Process:
    """An operating system process in a group of its own, its output in a file."""

    argv: Sequence[str]
    log: Path
    env: dict[str, str] = field(default_factory=dict)
    folder: Path | None = None
    popen: subprocess.Popen[bytes] | None = None

    def start(self) -> "Process":
        with self.log.open("ab") as log:
            self.popen = subprocess.Popen(
                self.argv,
                stdout=log,
                stderr=log,
                env={**os.environ, **self.env},
                cwd=self.folder,
                start_new_session=True,
            )
        return self

    @property
    def pid(self) -> int:
        assert self.popen is not None
        return self.popen.pid

    def terminate(self) -> None:
        """Send SIGTERM to the main process alone, as a supervisor does."""
        os.kill(self.pid, signal.SIGTERM)

    def kill(self) -> None:
        """Kill the whole group and reap it."""
        with suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        self.wait()

    def wait(self, limit_s: float = _LIMIT_S) -> int:
        assert self.popen is not None
        return self.popen.wait(limit_s)


StartWorker = Callable[[str], Process]


class Lab:
    """The services and workers of one test, and what SQL says about them.

    The profile on RabbitMQ has a node of its own as its broker, and Redis for the rest.
    """

    def __init__(self, folder: Path, profile: str, **settings: object) -> None:
        node = rabbit_node(folder / "rabbitmq") if profile == "rabbitmq" else None
        self.folder = folder
        self._port = free_port()
        self._effects_port = free_port()
        values: dict[str, object] = {
            "backend": "celery",
            "profile": profile,
            "namespace": "lab",
            "redis_url": f"redis://127.0.0.1:{self._port}/0",
            "broker_url": node.url if node else "",
            "database_url": f"sqlite:///{folder / 'lab.db'}",
            "artifacts_url": f"file://{folder / 'artifacts'}",
            "effects_url": f"http://127.0.0.1:{self._effects_port}",
            "compute": "simulated",
            "simulated_step_s": 0.05,
            "checkpoint_every": 2,
            "detection_budget_s": BUDGET_S,
            "stop_grace_s": 4.0,
            "cpu_slots": 2,
            **settings,
        }
        self.settings = Settings(**values)  # type: ignore[arg-type]  # names are checked by pydantic
        self._env = {f"CHANGEOVER_{name.upper()}": str(value) for name, value in values.items()}
        self.redis = Process(
            [
                *(redis_binary(), "--bind", "127.0.0.1", "--port", str(self._port)),
                *("--dir", str(folder), "--appendonly", "yes", "--save", ""),
            ],
            folder / "redis.log",
        )
        self._sink = Process(
            [
                *(
                    sys.executable,
                    "-m",
                    "bench.arms.effect_sink",
                    "--port",
                    str(self._effects_port),
                ),
                *("--database", str(folder / "effects.db")),
            ],
            folder / "sink.log",
        )
        self._processes = [self.redis, self._sink]
        self.broker = self.redis
        self._broker_port = self._port
        if node:
            self.broker = Process(node.argv, folder / "rabbitmq.log", node.env)
            self._broker_port = node.port
            self._processes.append(self.broker)
        database = connect(self.settings.database_url)
        create_tables(database)
        self.database = database
        self.queues = RedisQueues(self.settings.redis_url, self.settings)
        self.jobs = SqlJobs(database)
        self.uploads = SqlUploads(database)
        self.upload_store = FsspecArtifacts(self.settings.uploads_url)
        self.ledger = SqlLedger(database)
        self._workers = SqlWorkers(database)

    def environment(self, **settings: object) -> dict[str, str]:
        """Return the environment of a process of this lab, with other settings where given."""
        other = {f"CHANGEOVER_{name.upper()}": str(value) for name, value in settings.items()}
        return {**os.environ, **self._env, **other}

    @property
    def redis_port(self) -> int:
        """Where Redis listens."""
        return self._port

    def start(self) -> None:
        """Start the services."""
        self._sink.start()
        self.start_redis()
        if self.broker is not self.redis:
            self.start_broker()
        until(lambda: _listens(self._effects_port), "the effect sink answers")

    def start_redis(self) -> None:
        """Start Redis, at first or again."""
        self.redis.start()
        until(lambda: _listens(self._port), "Redis answers")

    def start_broker(self) -> None:
        """Start RabbitMQ, at first or again."""
        self.broker.start()
        until(lambda: _listens(self._broker_port), "RabbitMQ answers")

    def stop(self) -> None:
        """Leave no process behind."""
        for process in reversed(self._processes):
            if process.popen is not None:
                process.kill()

    def worker(self, role: str, name: str, **settings: object) -> Process:
        """Start a worker, with other settings where given, and wait until it announces itself."""
        process = Process(
            [sys.executable, "-m", "celery_impl.worker", "--role", role],
            self.folder / f"{name}.log",
            self.environment(worker_name=name, **settings),
        ).start()
        self._processes.append(process)
        began_at = time.time()
        until(
            lambda: [
                worker
                for worker in self._workers.alive(time.time() - began_at)
                if worker.name == name
            ],
            f"worker {name} is ready; see {process.log}",
        )
        return process

    def beat(self, name: str = "beat") -> Process:
        """Start the clock in a folder of its own."""
        folder = self.folder / name
        folder.mkdir()
        process = Process(
            [sys.executable, "-m", "celery_impl.beat"],
            self.folder / f"{name}.log",
            {**self._env, "PYTHONPATH": str(Path.cwd())},
            folder,
        ).start()
        self._processes.append(process)
        return process

    def register(self, *, n: int = 1, steps: int = 20, width: int = 64) -> tuple[JobId, str]:
        """Register a job as the facade does; return its id and its request."""
        request = to_json(ImageJob("a red circle", "user", n, steps, 1, width, 64))
        return self.jobs.register(IMAGE_GENERATION, "celery", request, None).job_id, request

    def register_session(self) -> tuple[JobId, str]:
        """Register a face session as the facade does; return its id and its request."""
        request = to_json(FaceSession("user", "session"))
        return self.jobs.register(FACE_SIMILARITY, "celery", request, None).job_id, request

    def upload(self, job_id: str, slot: str, data: bytes) -> str:
        """Register and store a file as the facade does; return its SHA-256."""
        sha256 = self.upload_store.put(data)
        self.uploads.offer(job_id, Upload(slot, sha256, "application/octet-stream", len(data)))
        return sha256

    def records(self, job_id: str, step: str | None = None) -> list[AttemptRecord]:
        """Return the ledger of a job or of one of its steps."""
        return [
            record for record in self.ledger.of_job(job_id) if step is None or record.step == step
        ]

    def reached(self, job_id: str, step: str, done: int) -> AttemptRecord:
        """Wait until an attempt of `step` has reported `done` steps."""
        return until(
            lambda: next(
                (
                    record
                    for record in self.records(job_id, step)
                    if record.kind is RecordKind.PROGRESS and record.done >= done
                ),
                None,
            ),
            f"{step} reaches {done}",
        )

    def ended(self, job_id: str, step: str) -> bool:
        """Whether an attempt of `step` has ended."""
        return any(record.kind.ends_attempt for record in self.records(job_id, step))

    def messages(self, job_id: str) -> list[HeldMessage]:
        """Return what Redis holds of a job."""
        return self.queues.messages_of(job_id)

    def applied(self, job_id: str) -> list[str]:
        """Return the effects that the world applied, in order."""
        calls = httpx.get(f"{self.settings.effects_url}/calls", params={"job_id": job_id}).json()
        return [call["effect"] for call in calls if call["applied"]]


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@contextmanager
def running_lab(folder: Path, profile: str, **settings: object) -> Iterator[Lab]:
    """A lab with its services up, and everything gone afterwards."""
    lab = Lab(folder, profile, **settings)
    try:
        lab.start()
        yield lab
    finally:
        lab.stop()
