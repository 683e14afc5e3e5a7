"""A message that comes while an arm's only GPU worker runs a retry, which is then killed."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.runs import changeover, shortfalls

pytestmark = [pytest.mark.slow, pytest.mark.timeout(500)]
ARMS = ["celery/tuned", "celery/hardened", "temporal/tuned", "temporal/hardened"]
SCENARIO = f"""
name = "parked"
seed = 7
[[stages]]
compute = "simulated"
arms = {json.dumps(ARMS)}
gpu_workers = 1
faults_at_once = 4
detection_budget_s = 7.0
[stages.job]
n = [1]
steps = 45
longest_step_s = 5.0
[[stages.cells]]
fault = "parked-message"
trials = 1
rate_per_s = 0.02
drain_s = 40.0
"""


@pytest.fixture(scope="module")
def cells(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The measured cells by arm."""
    folder: Path = tmp_path_factory.mktemp("parked")
    (folder / "parked.toml").write_text(SCENARIO)
    done = changeover("chaos", "parked.toml", "--json", "--at-once", "99", cwd=folder)
    assert done.returncode in (0, 1), done.stderr + done.stdout
    metrics = json.loads(done.stdout)
    assert shortfalls(metrics) == []
    return {cell["arm"]: cell for cell in metrics["cells"]}


@pytest.mark.parametrize("arm", ARMS)
def test_the_message_is_begun_by_the_next_worker(cells: dict[str, Any], arm: str) -> None:
    cell = cells[arm]
    [trial] = [trial for trial in cell["trial_list"] if trial["confirmed"]]
    assert trial["bucket"] == "completed"
    assert trial["handed_out_s"] is not None
    assert (cell["buckets"]["lost"], cell["duplicate_effects"]) == (0, 0)
