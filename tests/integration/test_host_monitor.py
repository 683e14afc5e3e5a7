"""How busy the processors are is seen while a run goes on."""

import asyncio
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import psutil

from bench.arms.distress import DistressMonitor
from bench.arms.host_monitor import HostMonitor
from bench.arms.services import start_redis
from bench.arms.supervisor import ProcessSpec, Supervisor
from bench.checkers.host_load import busy_between

_SPIN = "import time\nuntil = time.monotonic() + 4\nwhile time.monotonic() < until: pass"


async def test_a_machine_whose_every_processor_spins_shows_as_full(tmp_path: Path) -> None:
    async with HostMonitor(tmp_path) as monitor:
        spinning = [
            subprocess.Popen([sys.executable, "-c", _SPIN]) for _ in range(psutil.cpu_count() or 1)
        ]
        try:
            await asyncio.sleep(3.5)
        finally:
            for process in spinning:
                process.kill()
                process.wait(timeout=10)
    # The first look may be from before the spinning.
    assert max(sample.stretch or 0.0 for sample in monitor.samples) > 1.2
    assert all(sample.fsync_s is not None for sample in monitor.samples)
    begins, ends = monitor.samples[0].mono_s, monitor.samples[-1].mono_s
    assert (busy_between(monitor.samples, begins, ends) or 0.0) > 0.9
    assert all(0.0 <= sample.busy <= 1.0 for sample in monitor.samples)


async def test_nothing_is_sampled_once_the_monitor_is_left(tmp_path: Path) -> None:
    async with HostMonitor(tmp_path) as monitor:
        await asyncio.sleep(1.2)
    taken = len(monitor.samples)
    await asyncio.sleep(1.2)
    assert taken > 0
    assert len(monitor.samples) == taken
    assert not list(tmp_path.iterdir())


async def test_a_server_that_complains_in_its_log_is_heard_once_a_line(tmp_path: Path) -> None:
    says = "import time\nfor _ in range(3): print('context deadline exceeded', flush=True)\n"
    spec = ProcessSpec("temporal", "server", [sys.executable, "-c", says + "time.sleep(60)"])
    async with Supervisor(tmp_path) as supervisor, DistressMonitor(supervisor) as monitor:
        supervisor.start(replace(spec, name="redis"))  # says nothing that this one would say
        supervisor.start(spec)
        await asyncio.sleep(2.5)
    assert [(found.server, found.complaints) for found in monitor.found] == [("temporal", 3)]


async def test_what_held_redis_up_is_heard_from_redis_itself(tmp_path: Path) -> None:
    async with Supervisor(tmp_path) as supervisor, DistressMonitor(supervisor) as monitor:
        server = await start_redis(supervisor, tmp_path / "redis", "celery/hardened")
        host, _, port = server.url.removeprefix("redis://").partition(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        # The server's own way to be busy for a while.
        writer.write(b'DEBUG SLEEP 0.05\r\nEVAL "for i = 1, 3e7 do end" 0\r\n')
        await reader.readline()
        await reader.readline()
        await asyncio.sleep(2.5)
        writer.close()
    assert monitor.pauses
    assert {(each.arm, each.server) for each in monitor.pauses} == {("celery/hardened", "redis")}
    assert "command" in {each.event for each in monitor.pauses}
    assert all(each.pause_s >= 0.01 for each in monitor.pauses)
