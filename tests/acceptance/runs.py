"""Runs the command line as a user would, and keeps what a run left."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

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

    Fails if a verdict fell short for more than a machine that was too busy to tell, if standard
    output is not `metrics.json`, or if a process of the run is left.
    """
    (folder / "scenario.toml").write_text(scenario)
    before = {process.pid for process in psutil.process_iter()}
    done = changeover("compare", "scenario.toml", "--json", "--at-once", "99", cwd=folder)
    assert done.returncode in (0, 1), done.stderr
    assert shortfalls(json.loads(done.stdout)) == [], done.stderr
    left = [
        process
        for process in psutil.process_iter(["cmdline"])  # None if it ends meanwhile
        if process.pid not in before and folder.name in " ".join(process.info["cmdline"] or [])
    ]
    assert left == []
    latest = (folder / "results" / "latest").resolve()
    assert json.loads(done.stdout) == json.loads((latest / "metrics.json").read_text())
    return latest


def shortfalls(metrics: dict[str, Any]) -> list[tuple[str, str, str]]:
    """Return the cell, name and detail of each check that fell short.

    But for what nobody can tell since the machine was busy: tests run beside others.
    """
    return [
        (cell["id"], check["name"], check["detail"])
        for cell in metrics["cells"]
        for check in cell["checks"]
        if check["verdict"] == "invalid" or (check["verdict"] == "unknown" and not cell["too_busy"])
    ]
