"""Real processes: started, watched, restarted, struck, and ended with all their children."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from bench.arms.ending import end_within_grace, until_replaced_or_gone
from bench.arms.supervisor import ProcessSpec, Supervisor

# A parent that ignores SIGTERM or not, with a child of its own.
PARENT = """
import signal, subprocess, sys, time
if "--stubborn" in sys.argv:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(300)"])
print(child.pid, flush=True)
time.sleep(300)
"""


def _spec(name: str, *arguments: str, **changes: float) -> ProcessSpec:
    return ProcessSpec(
        name, "test", [sys.executable, "-c", PARENT, *arguments], stop_grace_s=0.5, **changes
    )


async def _until(condition: Callable[[], bool], limit_s: float = 20) -> None:
    give_up_at = time.monotonic() + limit_s
    while not condition():
        assert time.monotonic() < give_up_at
        await asyncio.sleep(0.02)


async def _child_of(log: Path) -> psutil.Process:
    await _until(lambda: log.exists() and log.read_text().endswith("\n"))
    return psutil.Process(int(log.read_text().split()[-1]))


def _gone(process: psutil.Process) -> bool:
    return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE


async def test_leaving_ends_children_and_those_that_ignore_sigterm(tmp_path: Path) -> None:
    async with Supervisor(tmp_path) as supervisor:
        supervisor.start(_spec("meek"))
        supervisor.start(_spec("stubborn", "--stubborn"))
        children = [await _child_of(tmp_path / f"{name}.log") for name in ("meek", "stubborn")]
    await _until(lambda: all(map(_gone, children)))


async def test_a_killed_process_is_restarted_after_its_delay_and_its_child_is_gone(
    tmp_path: Path,
) -> None:
    async with Supervisor(tmp_path) as supervisor:
        place = supervisor.start(_spec("worker", restart_delay_s=0.2))
        first, child = place.pid, await _child_of(tmp_path / "worker.log")
        os.kill(first, signal.SIGKILL)
        await _until(lambda: place.pid != first)
        await _until(lambda: _gone(child))
        phases = [event.phase for event in supervisor.events]
        assert phases == ["start", "exit", "start"]
        gap_s = supervisor.events[2].mono_s - supervisor.events[1].mono_s
        assert gap_s >= 0.2


async def test_a_process_and_its_child_stand_back_as_far_as_they_are_told(tmp_path: Path) -> None:
    async with Supervisor(tmp_path) as supervisor:
        place = supervisor.start(replace(_spec("worker"), nice=5))
        child = await _child_of(tmp_path / "worker.log")
        wanted = min(psutil.Process().nice() + 5, 19)
        assert (psutil.Process(place.pid).nice(), child.nice()) == (wanted, wanted)


async def test_sigkill_strikes_the_whole_group_at_once(tmp_path: Path) -> None:
    async with Supervisor(tmp_path) as supervisor:
        place = supervisor.start(_spec("worker"))
        child = await _child_of(tmp_path / "worker.log")
        pid = place.pid
        place.kill_group()
        await until_replaced_or_gone(place, pid, 5)
        assert place.exited()
        await _until(lambda: _gone(child))


async def test_sigterm_turns_into_sigkill_once_the_grace_is_over(tmp_path: Path) -> None:
    async with Supervisor(tmp_path) as supervisor:
        place = supervisor.start(_spec("worker", "--stubborn"))
        child = await _child_of(tmp_path / "worker.log")
        place.terminate()
        await end_within_grace(place, place.pid)
        assert place.exited()
        await _until(lambda: _gone(child))


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP])
async def test_the_guardian_ends_everything_if_the_supervisor_dies(
    tmp_path: Path, number: signal.Signals
) -> None:
    script = f"""
import asyncio, sys
from pathlib import Path
from bench.arms.supervisor import ProcessSpec, Supervisor
async def main():
    async with Supervisor(Path({str(tmp_path)!r})) as supervisor:
        supervisor.start(ProcessSpec("worker", "test", [sys.executable, "-c", {PARENT!r}]))
        await asyncio.sleep(300)
asyncio.run(main())
"""
    run = subprocess.Popen([sys.executable, "-c", script])
    child = await _child_of(tmp_path / "worker.log")
    parent = child.parent()
    assert parent is not None
    # A stopped worker can be killed like any other.
    parent.send_signal(number if number == signal.SIGSTOP else signal.SIGCONT)
    run.kill()
    run.wait(10)
    await _until(lambda: _gone(child) and _gone(parent))
