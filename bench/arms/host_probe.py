"""Looks at the machine once a second, and prints what it sees: a JSON object a line.

`python -m bench.arms.host_probe FOLDER`, with FOLDER on the disk that the run writes to. It ends
when its standard input closes. A process of its own, so that nothing that it does holds up the run.
"""

import json
import os
import select
import sys
import time
from pathlib import Path

import psutil

EVERY_S = 1.0
BURN_S = 0.01
"""How much processor time the probe uses at a look."""
_PRESSURE = Path("/proc/pressure")
_KINDS = ("cpu", "io", "memory")


def main() -> None:
    """Print a line a second until nobody listens."""
    path = Path(sys.argv[1]) / f".probe-{os.getpid()}"
    psutil.cpu_percent()  # the first call has nothing to compare with
    stalled, at = stalls(), time.monotonic()
    try:
        while not select.select([sys.stdin], [], [], EVERY_S)[0]:
            now_stalled, now = stalls(), time.monotonic()
            line = {
                "busy": psutil.cpu_percent() / 100,
                "wall_s": time.time(),
                "mono_s": now,
                "stretch": stretch(),
                "fsync_s": fsync_s(path),
            }
            for kind, seconds in now_stalled.items():
                line[f"{kind}_stall"] = min((seconds - stalled.get(kind, 0.0)) / (now - at), 1.0)
            stalled, at = now_stalled, now
            print(json.dumps(line), flush=True)
    except BrokenPipeError:
        sys.stdout = None  # nothing is left to flush
    finally:
        path.unlink(missing_ok=True)


def stalls() -> dict[str, float]:
    """Return for how long, since the machine started, some process was kept waiting, by what.

    In seconds; nothing where the kernel does not say. Source: Linux, Documentation/accounting/psi.
    """
    found = {}
    for kind in _KINDS:
        try:
            line = (_PRESSURE / kind).read_text().splitlines()[0]
            found[kind] = int(line.rpartition("total=")[2]) / 1e6
        except (OSError, ValueError, IndexError):
            continue
    return found


def stretch() -> float:
    """Return how many times longer than alone a process of this niceness takes for its work."""
    began, used = time.perf_counter(), time.thread_time()
    while time.thread_time() - used < BURN_S:
        pass
    return (time.perf_counter() - began) / (time.thread_time() - used)


def fsync_s(path: Path) -> float | None:
    """Return how long the disk takes to make a small write last, in seconds; None if it cannot."""
    try:
        with path.open("wb") as file:
            file.write(b"0" * 4096)
            file.flush()
            began = time.perf_counter()
            os.fsync(file.fileno())
            return time.perf_counter() - began
    except OSError:
        return None


if __name__ == "__main__":
    main()
