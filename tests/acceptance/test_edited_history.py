"""A finished run is judged from its files alone, and a history edited by hand is found out."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.runs import changeover

KEPT = Path(__file__).parents[1] / "data" / "runs" / "kept"
"""One worker killed on each hardened arm, and a few jobs beside it; nothing went wrong."""

Row = dict[str, Any]
Rows = list[Row]


def report(folder: Path) -> tuple[int, dict[str, Any]]:
    """The exit status of `changeover report`, and the metrics that it wrote."""
    done = changeover("report", str(folder), cwd=folder)
    assert done.returncode in (0, 1), done.stderr
    metrics: dict[str, Any] = json.loads((folder / "metrics.json").read_text())
    return done.returncode, metrics


def shortfalls(metrics: dict[str, Any]) -> list[tuple[str, str]]:
    """The checks that fell short, and why."""
    return [
        (check["name"], check["detail"])
        for cell in metrics["cells"]
        for check in cell["checks"]
        if check["verdict"] != "valid"
    ]


def is_effect(row: Row, effect: str) -> bool:
    return row["type"] == "effect" and row["effect"] == effect


def victim(rows: Rows) -> str:
    """A job that no fault hit and that a client saw succeed."""
    hit = {row["job_id"] for row in rows if row["type"] == "fault"}
    seen = (row["job_id"] for row in rows if row["type"] == "op" and row["status"] == "succeeded")
    return next(job_id for job_id in seen if job_id not in hit)


def second_effect(rows: Rows) -> Rows:
    job = victim(rows)
    applied = next(row for row in rows if is_effect(row, "notify_user") and row["job_id"] == job)
    return [*rows, {**applied, "mono_s": applied["mono_s"] + 1, "seq": 10**6}]


def final_state_deleted(rows: Rows) -> Rows:
    job = victim(rows)
    return [row for row in rows if not (row["type"] == "final" and row["job_id"] == job)]


def status_that_goes_back(rows: Rows) -> Rows:
    job = victim(rows)
    seen = next(
        row
        for row in rows
        if row["type"] == "op" and row["job_id"] == job and row["status"] == "succeeded"
    )
    return [*rows, {**seen, "status": "running", "mono_s": seen["mono_s"] + 1}]


def result_unreadable(rows: Rows) -> Rows:
    job = victim(rows)
    return [
        {**row, "readable": False} if row["type"] == "final" and row["job_id"] == job else row
        for row in rows
    ]


def fault_never_confirmed(rows: Rows) -> Rows:
    return [row for row in rows if not (row["type"] == "fault" and row["phase"] == "confirmed")]


def released_and_captured(rows: Rows) -> Rows:
    job = victim(rows)
    taken = next(row for row in rows if is_effect(row, "capture_credits") and row["job_id"] == job)
    key = f"{job}/release_credits"
    return [*rows, {**taken, "effect": "release_credits", "key": key, "seq": 10**6}]


def job_forgotten(rows: Rows) -> Rows:
    job = victim(rows)
    forgotten = {"status": "running", "readable": None, "held": False}
    return [
        {**row, **forgotten} if row["type"] == "final" and row["job_id"] == job else row
        for row in rows
    ]


def effect_deleted(rows: Rows) -> Rows:
    job = victim(rows)
    return [row for row in rows if not (is_effect(row, "notify_user") and row["job_id"] == job)]


def test_an_untouched_run_is_valid(tmp_path: Path) -> None:
    folder = shutil.copytree(KEPT, tmp_path / "run")
    status, metrics = report(folder)
    assert (status, metrics["verdict"], shortfalls(metrics)) == (0, "valid", [])
    assert [cell["faults_confirmed"] for cell in metrics["cells"]] == [1, 1]


@pytest.mark.parametrize(
    ("edit", "check", "says"),
    [
        (second_effect, "no duplicate effects", "1 duplicate effects"),
        (final_state_deleted, "buckets add up", "its final state was not recorded"),
        (status_that_goes_back, "a terminal status stays", "was succeeded, then running"),
        (result_unreadable, "no phantoms", "1 phantoms"),
        (fault_never_confirmed, "faults hit", "0 of 1 faults confirmed"),
        (released_and_captured, "credits settled once", "captured 1 and released 1"),
        (job_forgotten, "no loss", "1 lost"),
        (effect_deleted, "no phantoms", "1 phantoms"),
    ],
)
def test_a_history_edited_by_hand_is_found_out(
    tmp_path: Path, edit: Callable[[Rows], Rows], check: str, says: str
) -> None:
    folder = shutil.copytree(KEPT, tmp_path / "run")
    path = folder / "history.jsonl"
    rows = edit([json.loads(line) for line in path.read_text().splitlines()])
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    status, metrics = report(folder)
    assert (status, metrics["verdict"]) == (1, "invalid")
    assert any(name == check and says in detail for name, detail in shortfalls(metrics))


def test_a_report_is_drawn_the_same_from_metrics_json_alone(tmp_path: Path) -> None:
    folder = shutil.copytree(KEPT, tmp_path / "run")
    report(folder)
    drawn = (folder / "report.html").read_text()
    (folder / "history.jsonl").unlink()
    (folder / "report.html").unlink()
    assert report(folder)[0] == 0
    assert (folder / "report.html").read_text() == drawn


def test_metrics_of_an_earlier_schema_are_refused_with_what_to_do(tmp_path: Path) -> None:
    folder = shutil.copytree(KEPT, tmp_path / "run")
    (folder / "history.jsonl").unlink()
    (folder / "metrics.json").write_text('{"schema": 1}')
    done = changeover("report", str(folder), cwd=tmp_path)
    assert done.returncode == 2
    assert "schema 1, this version reads 2" in " ".join((done.stdout + done.stderr).split())
