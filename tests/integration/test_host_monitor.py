"""How busy the processors are is seen while a run goes on."""

import asyncio
import subprocess
import sys

import psutil

from bench.arms.host_monitor import HostMonitor
from bench.checkers.host_load import busy_between

_SPIN = "import time\nuntil = time.monotonic() + 4\nwhile time.monotonic() < until: pass"


async def test_a_machine_whose_every_processor_spins_shows_as_full() -> None:
    async with HostMonitor() as monitor:
        spinning = [
            subprocess.Popen([sys.executable, "-c", _SPIN]) for _ in range(psutil.cpu_count() or 1)
        ]
        try:
            await asyncio.sleep(3.5)
        finally:
            for process in spinning:
                process.kill()
                process.wait(timeout=10)
    begins, ends = monitor.samples[0].mono_s, monitor.samples[-1].mono_s
    assert (busy_between(monitor.samples, begins, ends) or 0.0) > 0.9
    assert all(0.0 <= sample.busy <= 1.0 for sample in monitor.samples)


async def test_nothing_is_sampled_once_the_monitor_is_left() -> None:
    async with HostMonitor() as monitor:
        await asyncio.sleep(1.2)
    taken = len(monitor.samples)
    await asyncio.sleep(1.2)
    assert taken > 0
    assert len(monitor.samples) == taken
