"""The wall clock of one process, which can be set while it runs; nothing else's clock moves.

libfaketime is loaded into the process before all else and reads from a file by how much to be
wrong. The monotonic clock stays as it is: a step of the wall clock does not touch it either.
"""

import sys
from importlib.util import find_spec
from pathlib import Path

_LIBRARY = Path("vendor") / "libfaketime" / "src" / "libfaketime.so.1"


def library() -> Path | None:
    """Return the library to load, None if this system has none that fits."""
    found = find_spec("libfaketime") if sys.platform == "linux" else None
    places = (found.submodule_search_locations if found else None) or []
    paths = [path for place in places if (path := Path(place) / _LIBRARY).exists()]
    return paths[0] if paths else None


def clock_file(folder: Path, worker: str) -> Path:
    """Return the file that says by how many seconds a worker of the arm in `folder` is wrong."""
    return folder / "clocks" / worker


def settable(folder: Path, worker: str) -> dict[str, str]:
    """Return the environment in which a worker's clock can be set; it is right at first."""
    path = clock_file(folder, worker)
    set_clock(path, 0.0)
    return {
        "LD_PRELOAD": str(library()),
        "FAKETIME_TIMESTAMP_FILE": str(path.absolute()),
        # Its cache ages by the clock that it sets, and may stay for good after a step back.
        "FAKETIME_NO_CACHE": "1",
        "DONT_FAKE_MONOTONIC": "1",
    }


def set_clock(path: Path, ahead_s: float) -> None:
    """Let the worker of this file be so far ahead, from its next look at the time on."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_suffix(".new")
    fresh.write_text(f"+{ahead_s:g}\n")
    fresh.replace(path)
