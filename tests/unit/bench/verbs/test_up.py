"""What `changeover up` refuses before it starts anything."""

import asyncio
import io
from pathlib import Path

import pytest
from rich.console import Console

from bench.arms.topology import Topology
from bench.errors import NotFit
from bench.verbs.up import UpOptions, up


def test_a_budget_that_leaves_an_engine_nothing_is_refused_before_a_process_starts(
    tmp_path: Path,
) -> None:
    options = UpOptions(
        engines=["temporal"],
        profile="hardened",
        compute="simulated",
        port=0,
        results=tmp_path,
        topology=Topology(detection_budget_s=2.0),
    )
    with pytest.raises(NotFit, match="2 s is too short for temporal/hardened"):
        asyncio.run(up(options, Console(file=io.StringIO())))
    assert list(tmp_path.iterdir()) == []
