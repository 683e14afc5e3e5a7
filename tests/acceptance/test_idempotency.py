"""A small run of the idempotency experiments from the command line, and what its files say."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.runs import changeover, finished_run

pytestmark = [pytest.mark.slow, pytest.mark.timeout(420)]

SMALL = """
name = "guards"
seed = 3
stop_grace_s = 6.0
[idempotency]
modes = ["check_then_act", "fenced"]
experiments = ["zombie_mid_work", "reply_dropped"]
trials = 1
detection_budget_s = 5.0
"""


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run: its folder."""
    return finished_run(tmp_path_factory.mktemp("guards"), SMALL)


def _entries(run: Path) -> dict[tuple[str, str, str], dict[str, Any]]:
    metrics = json.loads((run / "metrics.json").read_text())
    return {(e["fault"], e["engine"], e["mode"]): e for e in metrics["idempotency"]}


def test_every_experiment_hit_on_both_engines_and_no_job_was_lost(run: Path) -> None:
    entries = _entries(run)
    assert len(entries) == 8
    for entry in entries.values():
        buckets = {name: jobs for name, jobs in entry["buckets"].items() if jobs}
        assert (entry["faults_confirmed"], buckets) == (1, {"completed": 1}), entry
        assert entry["verdict"] == "valid", entry


def test_fenced_repeats_no_work_and_no_effect(run: Path) -> None:
    for (_, _, mode), entry in _entries(run).items():
        if mode == "fenced":
            assert (entry["duplicate_executions"], entry["duplicate_effects"]) == (0, 0), entry


def test_check_then_act_lets_a_zombie_finish_what_its_successor_finishes(run: Path) -> None:
    assert _entries(run)["zombie_mid_work", "celery", "check_then_act"]["duplicate_executions"] == 1


def test_an_effect_without_a_reply_is_sent_again_and_known_by_its_key(run: Path) -> None:
    for (experiment, _, _), entry in _entries(run).items():
        if experiment == "reply_dropped":
            assert (entry["duplicate_effects"], entry["suppressed_effects"]) == (0, 1), entry


def test_the_report_can_be_rebuilt_and_has_the_table(run: Path, tmp_path: Path) -> None:
    for name in ("run.json", "history.jsonl"):
        (tmp_path / name).write_bytes((run / name).read_bytes())
    assert changeover("report", str(tmp_path), cwd=tmp_path).returncode == 0
    fresh, first = ((folder / "metrics.json").read_text() for folder in (tmp_path, run))
    assert json.loads(fresh) == json.loads(first)
    assert 'id="idempotency"' in (tmp_path / "report.html").read_text()
    assert "What each guard repeated" in (tmp_path / "report.md").read_text()
