"""Runs the command line as a user would, and keeps what a run left."""

import json
import subprocess
import sys
from pathlib import Path

import psutil

LIMIT_S = 400.0


def changeover(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run a verb to its end."""
    return subprocess.run(
        [sys.executable, "-m", "bench", *arguments],
        capture_output=True,
        text=True,
        cwd=cwd,
        timeout=LIMIT_S,
        check=False,
    )


def finished_run(folder: Path, scenario: str) -> Path:
    """Run a scenario in this folder; return the run's folder.

    Fails if a verdict fell short, if standard output is not `metrics.json`, or if a process of the
    run is left.
    """
    (folder / "scenario.toml").write_text(scenario)
    before = {process.pid for process in psutil.process_iter()}
    done = changeover("compare", "scenario.toml", "--json", cwd=folder)
    assert done.returncode == 0, done.stderr
    left = [
        process
        for process in psutil.process_iter(["cmdline"])  # None if it ends meanwhile
        if process.pid not in before and folder.name in " ".join(process.info["cmdline"] or [])
    ]
    assert left == []
    latest = (folder / "results" / "latest").resolve()
    assert json.loads(done.stdout) == json.loads((latest / "metrics.json").read_text())
    return latest
