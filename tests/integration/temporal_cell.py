"""A Temporal development server, an effect sink, and cells of real workers against them."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from temporalio.client import Client

from bench.arms.waiting import WAIT_S, until
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
from shared.domain.status import JobStatus, RecordKind
from shared.ports.uploads import Upload
from shared.settings import Settings
from temporal_impl.engine import create_engine

_REPORTS_STUCK = "system.numConsecutiveWorkflowTaskProblemsToTriggerSearchAttribute"


class DevServer:
    """`temporal server start-dev` on one port; may be stopped and started again."""

    def __init__(self, folder: Path, port: int, namespaces: list[str]) -> None:
        self.address = f"127.0.0.1:{port}"
        self._folder = folder
        self._argv = [
            str(Path(sys.executable).parent / "temporal"),
            *("server", "start-dev", "--headless", "--ip", "127.0.0.1", "--port", str(port)),
            *("--db-filename", str(folder / "temporal.db")),
            *("--sqlite-pragma", "journal_mode=WAL", "--sqlite-pragma", "synchronous=NORMAL"),
            *("--log-level", "warn"),
            # By default at the fifth failure in a row, about a minute later.
            *("--dynamic-config-value", f"{_REPORTS_STUCK}=2"),
            *(part for name in namespaces for part in ("--namespace", name)),
        ]
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it and wait until it answers."""
        with (self._folder / "server.log").open("ab") as log:
            self._process = subprocess.Popen(
                self._argv, stdout=log, stderr=log, start_new_session=True
            )

    async def ready(self, namespace: str) -> None:
        """Wait until the server knows this namespace."""

        async def answers() -> bool:
            with suppress(Exception):
                client = await Client.connect(self.address, namespace=namespace)
                with suppress(StopAsyncIteration):
                    await anext(client.list_workflows())
                return True
            return False

        await until("the development server answers", answers)

    def stop(self) -> None:
        """Kill it and wait for its end."""
        if self._process is not None:
            kill_group(self._process)
            self._process = None

    @contextmanager
    def suspended(self) -> Iterator[None]:
        """Stop it from answering, without closing a connection, and let it go on at the end."""
        assert self._process is not None
        os.killpg(self._process.pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.killpg(self._process.pid, signal.SIGCONT)


def kill_group(process: "subprocess.Popen[bytes]") -> None:
    """SIGKILL a process group of ours and reap its leader."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait(timeout=10)


class Sink:
    """The outside world: applies each key once and counts."""

    def __init__(self) -> None:
        self.applied: list[tuple[str, str]] = []
        seen: set[str] = set()
        lock = threading.Lock()
        applied = self.applied

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                self.rfile.read(int(self.headers["Content-Length"]))
                key = self.headers["Idempotency-Key"]
                with lock:
                    if key not in seen:
                        seen.add(key)
                        applied.append((key.partition("/")[0], self.path.strip("/")))
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                return

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        serve = partial(self._server.serve_forever, poll_interval=0.05)
        threading.Thread(target=serve, daemon=True).start()

    def of(self, job_id: str) -> list[str]:
        """Return the effects of one job, in order."""
        return [effect for job, effect in self.applied if job == job_id]

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()


class Cell:
    """One profile in one namespace: an engine, its workers, its database."""

    def __init__(self, folder: Path, address: str, sink: Sink, **settings: Any) -> None:
        values = {
            "backend": "temporal",
            "temporal_address": address,
            "temporal_envconfig": False,
            "database_url": f"sqlite:///{folder}/changeover.db",
            "artifacts_url": f"file://{folder}/artifacts",
            "effects_url": sink.url,
            "compute": "simulated",
            "simulated_step_s": 0.1,
            "detection_budget_s": 4,
            "checkpoint_every": 2,
            **settings,
        }
        self.settings = Settings(**values)
        self.engine = create_engine(self.settings)
        self.sink = sink
        self.folder = folder
        database = connect(self.settings.database_url)
        create_tables(database)
        self.ledger = SqlLedger(database)
        self.jobs = SqlJobs(database)
        self.uploads = SqlUploads(database)
        self.upload_store = FsspecArtifacts(self.settings.uploads_url)
        self._workers = SqlWorkers(database)
        self._environment = {
            **os.environ,
            **{f"CHANGEOVER_{name.upper()}": str(value) for name, value in values.items()},
        }
        self._processes: dict[str, subprocess.Popen[bytes]] = {}

    async def client(self) -> Client:
        """Return a client of the test's own, in the cell's namespace."""
        settings = self.settings
        return await Client.connect(settings.temporal_address, namespace=settings.namespace)

    async def start_workers(self, *roles: str) -> None:
        """Start several at once."""
        names = [self.launch(role, f"{role}-{index}") for index, role in enumerate(roles)]
        await until(f"{names} are ready", lambda: all(self.is_ready(name) for name in names))

    def launch(self, role: str, name: str) -> str:
        """Start a worker process; returns its name."""
        with (self.folder / f"{name}.log").open("ab") as log:
            self._processes[name] = subprocess.Popen(
                [sys.executable, "-m", "temporal_impl.worker", "--role", role],
                env={**self._environment, "CHANGEOVER_WORKER_NAME": name},
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        return name

    def is_ready(self, name: str) -> bool:
        """Whether the worker process started last under this name has announced itself."""
        process = self._processes[name]
        assert process.poll() is None, (self.folder / f"{name}.log").read_text()
        return any(worker.pid == process.pid for worker in self._workers.alive())

    def process(self, name: str) -> "subprocess.Popen[bytes]":
        return self._processes[name]

    def kill(self, name: str) -> None:
        """SIGKILL one worker."""
        kill_group(self._processes[name])

    def stop(self) -> None:
        """Kill every worker that is left."""
        for process in self._processes.values():
            if process.poll() is None:
                kill_group(process)

    def new_job(self, n: int = 1, steps: int = 10) -> tuple[JobId, str]:
        """Register a job and return its id and request."""
        job = ImageJob("a red circle", "u", n, steps, seed=7, width=64, height=64)
        request = to_json(job)
        registered = self.jobs.register(IMAGE_GENERATION, "temporal", request, None)
        return registered.job_id, request

    async def submit(self, n: int = 1, steps: int = 10) -> JobId:
        """Submit a new job."""
        job_id, request = self.new_job(n, steps)
        await self.engine.submit(job_id, IMAGE_GENERATION, request)
        self.jobs.accept(job_id)
        return job_id

    def new_session(self) -> tuple[JobId, str]:
        """Register a face session and return its id and request."""
        request = to_json(FaceSession("u", "s"))
        registered = self.jobs.register(FACE_SIMILARITY, "temporal", request, None)
        return registered.job_id, request

    async def submit_session(self) -> JobId:
        """Submit a new face session."""
        job_id, request = self.new_session()
        await self.engine.submit(job_id, FACE_SIMILARITY, request)
        self.jobs.accept(job_id)
        return job_id

    async def bring(self, job_id: JobId, slot: str, data: bytes) -> None:
        """Register and store a file of a session, then tell the engine, as the facade does."""
        sha256 = self.upload_store.put(data)
        self.uploads.offer(job_id, Upload(slot, sha256, "application/octet-stream", len(data)))
        await self.engine.provide(job_id, slot, sha256)

    async def until_status(self, job_id: JobId, status: JobStatus) -> EngineView:
        """Wait for a status; returns the view."""

        async def has_it() -> EngineView | None:
            view = await self.engine.view(job_id)
            return view if view.status is status else None

        view: EngineView = await until(f"{job_id} is {status}", has_it)
        return view

    async def finished(self, job_id: JobId, limit_s: float = WAIT_S) -> EngineView:
        """Wait for the end of a job."""

        async def over() -> EngineView | None:
            view = await self.engine.view(job_id)
            return view if view.status.terminal else None

        view: EngineView = await until(f"{job_id} is over", over, limit_s)
        return view

    async def reached(self, job_id: JobId, step: str, done: int) -> AttemptRecord:
        """Wait until a step's progress is at `done` or past it; returns that record."""
        record: AttemptRecord = await until(
            f"{step} is at {done}",
            lambda: next(
                (
                    record
                    for record in self.records(job_id, step, RecordKind.PROGRESS)
                    if record.done >= done
                ),
                None,
            ),
        )
        return record

    def records(
        self, job_id: JobId, step: str | None = None, kind: RecordKind | None = None
    ) -> list[AttemptRecord]:
        """Return a job's ledger records of one step and kind."""
        return [
            record
            for record in self.ledger.of_job(job_id)
            if step in (None, record.step) and kind in (None, record.kind)
        ]


@contextmanager
def cell(folder: Path, address: str, sink: Sink, **settings: Any) -> Iterator[Cell]:
    """Yield a cell, and kill its workers at the end."""
    made = Cell(folder, address, sink, **settings)
    try:
        yield made
    finally:
        made.stop()


MakeCell = Callable[..., Cell]


async def started(new_cell: MakeCell, *roles: str, **values: Any) -> Cell:
    """Make a cell with its engine and workers running."""
    made = new_cell(**values)
    await made.engine.start()
    await made.start_workers(*roles)
    return made


def free_port() -> int:
    """Return a port that nothing listens on."""
    with ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as server:
        return int(server.server_port)
