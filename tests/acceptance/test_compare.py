"""A whole run from the command line, and what its files say."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.acceptance.runs import changeover, finished_run

SMALL = """
name = "small"
seed = 3
stop_grace_s = 8.0
[[stages]]
compute = "simulated"
arms = ["celery/hardened", "temporal/hardened"]
gpu_workers = 2
detection_budget_s = 4.0
[stages.job]
n = [1]
steps = 15
longest_step_s = 2.5
[[stages.cells]]
fault = "sigkill"
trials = 2
rate_per_s = 0.5
drain_s = 12.0
"""


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run of the small scenario: its folder."""
    return finished_run(tmp_path_factory.mktemp("compare"), SMALL)


def test_metrics_hold_every_cell_with_the_promised_fields(run: Path) -> None:
    metrics = json.loads((run / "metrics.json").read_text())
    assert (metrics["schema"], metrics["run_id"]) == (2, run.name)
    assert {cell["arm"] for cell in metrics["cells"]} == {"celery/hardened", "temporal/hardened"}
    for cell in metrics["cells"]:
        assert {
            *("arm", "engine", "profile", "workload", "compute", "fault", "trials"),
            *("faults_confirmed", "buckets", "re_executions", "duplicate_executions"),
            *("duplicate_effects", "overlap_s", "recovery_s", "predicted_bound_s", "device_s"),
            "verdict",
        } <= set(cell)
        assert {"samples", "median", "ci95"} <= set(cell["recovery_s"])


def test_hardened_arms_lose_nothing_and_repeat_no_effect(run: Path) -> None:
    for cell in json.loads((run / "metrics.json").read_text())["cells"]:
        assert cell["faults_confirmed"] == 2
        assert (cell["buckets"]["lost"], cell["duplicate_effects"]) == (0, 0)
        if not cell["too_busy"]:
            assert len(cell["recovery_s"]["samples"]) == 2
            assert max(cell["recovery_s"]["samples"]) <= cell["predicted_bound_s"]


def test_the_load_came_from_locust_and_the_workers_died(run: Path) -> None:
    rows = [json.loads(line) for line in (run / "history.jsonl").read_text().splitlines()]
    processes = [row for row in rows if row["type"] == "process"]
    assert {"locust", "facade", "gpu-0", "cpu-0"} <= {row["name"] for row in processes}
    killed = [row for row in processes if row["phase"] == "exit" and row["detail"] == "-9"]
    assert len(killed) >= 4


def test_the_report_can_be_rebuilt_from_two_files_alone(run: Path, tmp_path: Path) -> None:
    for name in ("run.json", "history.jsonl"):
        (tmp_path / name).write_bytes((run / name).read_bytes())
    assert changeover("report", str(tmp_path), cwd=tmp_path).returncode in (0, 1)
    fresh, first = ((folder / "metrics.json").read_text() for folder in (tmp_path, run))
    assert json.loads(fresh) == json.loads(first)


def test_the_report_shows_the_capabilities_and_says_that_nobody_tried_them(run: Path) -> None:
    stored = json.loads((run / "run.json").read_text())["capabilities"]
    assert (len(stored["matrix"]["rows"]), stored["run_id"]) == (24, None)
    for name in ("report.html", "report.md"):
        text = (run / name).read_text()
        assert "What each engine can do" in text
        assert "Not run on this source: " in text
        assert all(row["name"] in text for row in stored["matrix"]["rows"])


@pytest.mark.parametrize(
    ("violation", "says"),
    [
        ("second effect", "duplicate effects"),
        ("lost job", "loss"),
        ("missing effect", "phantoms"),
        ("fault that never hit", "faults"),
    ],
)
def test_a_violation_planted_in_the_history_is_found(
    run: Path, tmp_path: Path, violation: str, says: str
) -> None:
    (tmp_path / "run.json").write_bytes((run / "run.json").read_bytes())
    rows = [json.loads(line) for line in (run / "history.jsonl").read_text().splitlines()]
    rows = _planted(rows, violation)
    (tmp_path / "history.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    done = changeover("report", str(tmp_path), "--json", cwd=tmp_path)
    assert done.returncode == 1, done.stderr
    failed = [
        check["name"]
        for cell in json.loads(done.stdout)["cells"]
        for check in cell["checks"]
        if check["verdict"] != "valid"
    ]
    assert any(says in name for name in failed), failed


def _planted(rows: list[dict[str, Any]], violation: str) -> list[dict[str, Any]]:
    submitted = {row["job_id"] for row in rows if row["type"] == "op" and row["op"] == "submit"} - {
        None
    }
    notified = next(
        row
        for row in rows
        if row["type"] == "effect" and row["effect"] == "notify_user" and row["job_id"] in submitted
    )
    match violation:
        case "second effect":
            return [*rows, {**notified, "key": "another", "seq": 10**6}]
        case "missing effect":
            return [row for row in rows if row != notified]
        case "lost job":
            lost = {"status": "running", "held": False, "where": "nowhere", "readable": None}
            return [
                {**row, **lost}
                if row["type"] == "final" and row["job_id"] == notified["job_id"]
                else row
                for row in rows
            ]
        case _:
            confirmed = next(
                row for row in rows if row["type"] == "fault" and row["phase"] == "confirmed"
            )
            return [row for row in rows if row != confirmed]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_run_that_is_interrupted_leaves_no_process_behind(
    tmp_path: Path, number: signal.Signals
) -> None:
    (tmp_path / "small.toml").write_text(SMALL)
    run = subprocess.Popen(
        [sys.executable, "-m", "bench", "compare", "small.toml"],
        cwd=tmp_path,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ,
    )
    assert run.stderr is not None
    for line in run.stderr:
        if "sigkill" in line:
            break
    give_up_at = time.monotonic() + 60
    started = psutil.Process(run.pid).children(recursive=True)
    while not any("locust" in " ".join(process.cmdline()) for process in started):
        assert time.monotonic() < give_up_at
        time.sleep(0.05)
        started = psutil.Process(run.pid).children(recursive=True)
    run.send_signal(number)
    run.wait(timeout=60)
    _, alive = psutil.wait_procs(started, timeout=20)
    assert alive == []
    if number != signal.SIGKILL:
        assert run.returncode == 130
