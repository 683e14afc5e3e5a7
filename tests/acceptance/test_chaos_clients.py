"""Faults that clients cause, and the death of the facade, on both engines in one run."""

import json
import subprocess
import sys
from typing import Any

import pytest

from tests.acceptance.runs import shortfalls

ARMS = ["celery/hardened", "temporal/hardened"]
IMAGES = ["double-submit", "oversized", "cancel", "facade-sigkill"]
# With longer left than passes between two heartbeats, whose answer tells of a cancel.
AT = [0.1, 0.3]
SESSIONS = ["input-early", "input-duplicate", "input-while-workers-down"]


def _scenario() -> str:
    cells = [
        f'[[stages.cells]]\nfault = "{fault}"\ntrials = 1\ndrain_s = 25.0\n{load}'
        + (f"at = {AT}\n" if fault == "cancel" else "")
        for faults, load in ((IMAGES, "rate_per_s = 0.2\n"), (SESSIONS, ""))
        for fault in faults
    ]
    return f"""
name = "clients"
seed = 5
stop_grace_s = 8.0
[[stages]]
compute = "simulated"
arms = {json.dumps(ARMS)}
gpu_workers = 2
detection_budget_s = 6.0
[stages.job]
n = [1]
steps = 20
longest_step_s = 3.5
{"".join(cells)}"""


@pytest.fixture(scope="module")
def cells(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, str], Any]:
    """The measured cells by fault and arm."""
    folder = tmp_path_factory.mktemp("clients")
    (folder / "clients.toml").write_text(_scenario())
    done = subprocess.run(
        [sys.executable, "-m", "bench", "chaos", "clients.toml", "--json", "--at-once", "99"],
        capture_output=True,
        text=True,
        cwd=folder,
        timeout=240,
        check=False,
    )
    assert done.returncode in (0, 1), done.stderr + done.stdout
    metrics = json.loads(done.stdout)
    assert shortfalls(metrics) == []
    return {(cell["fault"], cell["arm"]): cell for cell in metrics["cells"]}


@pytest.mark.parametrize("arm", ARMS)
@pytest.mark.parametrize("fault", [*IMAGES, *SESSIONS])
def test_it_is_confirmed_and_nothing_is_lost_or_applied_twice(
    cells: dict[tuple[str, str], Any], fault: str, arm: str
) -> None:
    cell = cells[fault, arm]
    assert cell["faults_confirmed"] == 1, cell["checks"]
    assert (cell["buckets"]["lost"], cell["duplicate_effects"]) == (0, 0)


@pytest.mark.parametrize("arm", ARMS)
def test_a_cancel_stops_the_attempt_that_was_at_work(
    cells: dict[tuple[str, str], Any], arm: str
) -> None:
    [trial] = cells["cancel", arm]["trial_list"]
    assert trial["bucket"] == "cancelled"
    assert trial["stopped_s"] > 0


@pytest.mark.parametrize("arm", ARMS)
def test_an_oversized_submit_is_rejected_and_the_next_one_completes(
    cells: dict[tuple[str, str], Any], arm: str
) -> None:
    cell = cells["oversized", arm]
    assert cell["buckets"]["rejected"] == 1
    assert cell["trial_list"][0]["bucket"] == "completed"
