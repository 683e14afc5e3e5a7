"""Runs `changeover up` as a user would: an operating-system process, spoken to over HTTP."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from bench.arms.ports import free_port

READY_LIMIT_S = 90.0
STOP_LIMIT_S = 60.0


@dataclass
class Served:
    """A running `changeover up`."""

    process: subprocess.Popen[str]
    client: httpx.Client
    log: Path

    @property
    def folder(self) -> Path:
        """Where the run folder lies."""
        return self.log.parent

    def submit(self, key: str | None = None, **changes: Any) -> httpx.Response:
        body = {"prompt": "a red circle on a blue background", "user_id": "tester", **changes}
        headers = {"Idempotency-Key": key} if key else {}
        return self.client.post("/v1/jobs/image-generation", json=body, headers=headers)

    def submitted(self, key: str | None = None, **changes: Any) -> str:
        answer = self.submit(key, **changes)
        assert answer.status_code == 202, answer.text
        job_id: str = answer.json()["job_id"]
        return job_id

    def session(self, key: str | None = None, **changes: Any) -> str:
        """Open a face session and return its id."""
        body = {"user_id": "tester", "session_id": "one", **changes}
        headers = {"Idempotency-Key": key} if key else {}
        answer = self.client.post("/v1/jobs/face-similarity", json=body, headers=headers)
        assert answer.status_code == 202, answer.text
        job_id: str = answer.json()["job_id"]
        return job_id

    def put(self, job_id: str, slot: str, data: bytes | Iterator[bytes]) -> httpx.Response:
        return self.client.put(f"/v1/jobs/{job_id}/files/{slot}", content=data)

    def review(self, job_id: str, *, approved: bool, reviewer: str = "grace") -> httpx.Response:
        body = {"approved": approved, "reviewer": reviewer}
        return self.client.post(f"/v1/jobs/{job_id}/review", json=body)

    def view(self, job_id: str) -> dict[str, Any]:
        answer = self.client.get(f"/v1/jobs/{job_id}")
        assert answer.status_code == 200, answer.text
        view: dict[str, Any] = answer.json()
        return view

    def until(
        self,
        job_id: str,
        wanted: Callable[[dict[str, Any]], bool],
        limit_s: float = 60,
    ) -> dict[str, Any]:
        """Return the first view that is as wanted; fail with the last one after the limit."""
        give_up_at = time.monotonic() + limit_s
        while True:
            view = self.view(job_id)
            if wanted(view):
                return view
            assert time.monotonic() < give_up_at, f"not in {limit_s:g} s: {view}"
            time.sleep(0.05)

    def finished(self, job_id: str, limit_s: float = 60) -> dict[str, Any]:
        return self.until(
            job_id,
            lambda view: view["status"] in ("succeeded", "failed", "cancelled", "timed_out"),
            limit_s,
        )

    def computing(self, job_id: str, past: int = 12) -> dict[str, Any]:
        """Return a `generate_image` attempt of the job that is past its first steps.

        An engine may batch checkpoints with heartbeats, so the first one takes a while to arrive.
        """
        view = self.until(
            job_id,
            lambda view: view["progress"]["done"] >= past and bool(_computing(view)),
        )
        return _computing(view)[0]

    def processes(self, part: str = "") -> list[psutil.Process]:
        """Return the run's processes whose command line has this part, parents first."""
        everything = psutil.Process(self.process.pid).children(recursive=True)
        return [process for process in everything if not part or part in _command_of(process)]

    @contextmanager
    def suspended(self, part: str) -> Iterator[None]:
        """Stop processes and their children for a while, without the supervisor's noticing."""
        found = self.processes(part)
        assert found, f"no process with {part}"
        families = [*found, *(child for process in found for child in process.children(True))]
        for process in families:
            process.suspend()
        try:
            yield
        finally:
            for process in reversed(families):
                process.resume()


def _command_of(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except psutil.Error:  # it has just ended
        return ""


def _computing(view: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        attempt
        for attempt in view["attempts"]
        if attempt["step"].startswith("generate_image/") and attempt["outcome"] == "running"
    ]


def start_up(folder: Path, *arguments: str, hidden: str = "", **env: str) -> Served:
    """Start `changeover up` and wait until it is ready; `hidden` are packages that it lacks."""
    port = free_port()
    log = folder / "up.log"
    with log.open("w") as out:
        process = subprocess.Popen(
            [
                *(sys.executable, "-m"),
                *(("tests.without", hidden) if hidden else ()),
                *("bench", "up"),
                *("--port", str(port), "--results", str(folder), *arguments),
            ],
            stdout=out,
            stderr=out,
            text=True,
            env={**os.environ, **env},
            start_new_session=True,
        )
    client = httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=10)
    give_up_at = time.monotonic() + READY_LIMIT_S
    while True:
        assert process.poll() is None, log.read_text()
        try:
            if client.get("/readyz").status_code == 200:
                return Served(process, client, log)
        except httpx.HTTPError:
            pass
        assert time.monotonic() < give_up_at, log.read_text()
        time.sleep(0.1)


def stop(served: Served, number: signal.Signals = signal.SIGINT) -> list[psutil.Process]:
    """Send the signal, wait for the end, and return the processes that outlived it."""
    started = served.processes()
    served.process.send_signal(number)
    served.process.wait(timeout=STOP_LIMIT_S)
    served.client.close()
    _, alive = psutil.wait_procs(started, timeout=15)
    return alive


@pytest.fixture(params=["celery", "temporal"], scope="module")
def engine(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture(scope="module")
def served(engine: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    served = start_up(
        tmp_path_factory.mktemp(engine),
        *("--compute", "simulated", "--detection-budget", "5"),
        CHANGEOVER_BACKEND=engine,
        CHANGEOVER_SIMULATED_STEP_S="0.1",
    )
    yield served
    assert stop(served) == []
