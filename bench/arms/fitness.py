"""How fast this machine is and how much of it is free: looked at before a run, in a few seconds."""

import asyncio
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import psutil

from bench.arms.forked import fork_server
from bench.arms.host_probe import fsync_s
from bench.arms.topology import SHARED_MODULES

USUAL_IMPORT_S = 1.0
"""What a worker's libraries take where the suites were checked: 0.7 to 1.0, on 2 cores."""
_LOOK_S = 3.0
_OURS_AT_LEAST = 0.25
"""Others give up this share of the processors to a newcomer, however busy they are."""
_FSYNCS = 5
_CPU_MAX = Path("/sys/fs/cgroup/cpu.max")


@dataclass(frozen=True, slots=True)
class Fitness:
    """What was found. Seconds; cores are those that this process may use.

    Of cores that are all in use a quarter counts as free: processes share them.
    """

    cores: float
    free_cores: float
    import_s: float | None
    """How much processor time a worker's libraries take to import; None where they were not."""
    fsync_s: float | None
    """How long the disk of the results takes to make a small write last; None if it cannot."""

    @property
    def slowness(self) -> float:
        """How many times as much processor time as usual a start takes: 1 at least."""
        return max(1.0, (self.import_s or 0.0) / USUAL_IMPORT_S)

    def __str__(self) -> str:
        took = "unknown" if self.import_s is None else f"{self.import_s:.1f} s of one"
        lasts = "unknown" if self.fsync_s is None else f"{self.fsync_s * 1000:.1f} ms"
        return (
            f"{self.free_cores:.1f} of {self.cores:g} cores are free; a worker's libraries take"
            f" {took} to import; a small write takes {lasts} to last"
        )


async def look(results: Path) -> Fitness:
    """Look at the processors for 3 s, then start what a worker starts from, and sync a file."""
    cores = usable_cores()
    psutil.cpu_percent()
    await asyncio.sleep(_LOOK_S)
    busy = psutil.cpu_percent() / 100 * (psutil.cpu_count() or 1)
    free = max(cores * _OURS_AT_LEAST, min(cores, (psutil.cpu_count() or 1) - busy))
    return Fitness(cores, free, await _import_s("simulated"), _fsync_s(results))


async def model_import_s() -> float | None:
    """Return what processor time the real models' libraries take; None if they are not there."""
    return await _import_s("diffusers")


def usable_cores() -> float:
    """Return how many processors this process may use, a container's share included."""
    try:
        allowed = len(os.sched_getaffinity(0))
    except AttributeError:  # not on macOS
        allowed = psutil.cpu_count() or 1
    try:
        quota, period = _CPU_MAX.read_text().split()
        return min(float(allowed), int(quota) / int(period))
    except (OSError, ValueError):  # no control group of its own, or "max"
        return float(allowed)


async def _import_s(compute: str) -> float | None:
    """Return processor time, not seconds by the clock: what is busy shows in the free cores."""
    env = {"CHANGEOVER_COMPUTE": compute}
    with tempfile.TemporaryDirectory() as folder:
        async with fork_server(SHARED_MODULES, env, Path(folder) / "log") as server:
            if server is None:
                return None
            used = psutil.Process(server.pid).cpu_times()
            return used.user + used.system


def _fsync_s(results: Path) -> float | None:
    existing = next(path for path in (results, *results.absolute().parents) if path.is_dir())
    path = existing / f".probe-{os.getpid()}"
    try:
        took = [fsync_s(path) for _ in range(_FSYNCS)]
    finally:
        path.unlink(missing_ok=True)
    lasted = [seconds for seconds in took if seconds is not None]
    return median(lasted) if lasted else None
