"""The facade is killed with submits in flight, and clients get their one job a key."""

import asyncio
import random
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest

from bench.arms.ports import free_port
from bench.arms.supervisor import ProcessSpec, Supervisor
from bench.faults.fault import NOBODY, FaultContext
from bench.faults.kinds.facade import FacadeSigkill
from bench.load.plan import image_bodies
from bench.record.history import OpPhase

# Knows a job by its key, and takes its time to say so.
SERVER = """
import http.server, json, sys, time
class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        self.rfile.read(int(self.headers["content-length"]))
        time.sleep(float(sys.argv[2]))
        answer = json.dumps({"job_id": self.headers["idempotency-key"]}).encode()
        self.send_response(202)
        self.send_header("content-length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)
    def log_message(self, *_):
        pass
http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""


async def _context(supervisor: Supervisor, answers_after_s: float) -> FaultContext:
    port = free_port()
    argv = [sys.executable, "-c", SERVER, str(port), str(answers_after_s)]
    facade = supervisor.start(ProcessSpec("facade", "facade", argv, restart_delay_s=0.1))
    url = f"http://127.0.0.1:{port}"
    async with httpx.AsyncClient(base_url=url) as client, asyncio.timeout(20):
        while True:
            try:
                await client.get("/")
                break
            except httpx.TransportError:
                assert not facade.exited(), facade.last_words()
                await asyncio.sleep(0.05)
    stack: Any = SimpleNamespace(facade=facade, url=url)
    nothing: Any = None
    bodies = image_bodies(random.Random(1), n=[1], steps=4, width=64, height=64)
    return FaultContext("cell", stack, nothing, 5.0, bodies=bodies)


@pytest.fixture
async def supervisor(tmp_path: Path) -> AsyncIterator[Supervisor]:
    async with Supervisor(tmp_path / "logs") as started:
        yield started


async def test_submits_that_the_kill_cut_off_are_answered_once_the_facade_is_back(
    supervisor: Supervisor,
) -> None:
    context = await _context(supervisor, answers_after_s=0.2)
    fault = FacadeSigkill(context, NOBODY)
    await fault.strike()
    seen = fault.observed()
    assert (seen.struck, seen.detail) == (True, "4 of 4 submits cut off")
    assert fault.healed()
    settled = {op.key: op.job_id for op in context.ops if op.phase is OpPhase.OK}
    assert len(settled) == 4 + 4  # a wave that is answered, and the one that is cut off
    assert all(key == job_id for key, job_id in settled.items())
    assert fault.target.job_id in settled
    cut_off = [
        op for op in context.ops if op.phase is OpPhase.INFO and op.mono_s >= fault.struck_at
    ]
    assert len(cut_off) >= 4
