"""`changeover replay`: whether open workflows can go on with this code, asked before a deploy."""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path


def replay_verb(files: Sequence[Path], query: str | None, limit: int, *, from_server: bool) -> int:
    """Run Temporal's replay in a process of its own, for the bench imports no engine.

    Returns its exit status: 0 all replay, 1 some do not, 2 wrong usage, 3 no server.
    """
    command = [sys.executable, "-m", "temporal_impl.replay", *map(str, files)]
    if from_server or query:
        command += ["--from-server", "--limit", str(limit)]
    if query:
        command += ["--query", query]
    return subprocess.run(command, check=False).returncode
