"""From a history to metrics: clean ones pass, and nothing makes it fall over."""

import random
from pathlib import Path

import pytest

from bench.checkers import cell as cell_module
from bench.checkers import invariants as invariants_module
from bench.checkers import measure as measure_module
from bench.checkers.verdict import Checks, worst
from bench.record.history import read_history, write_history
from bench.record.metrics import (
    SCHEMA,
    Bucket,
    Check,
    Verdict,
    read_metrics,
    write_metrics,
)
from shared.domain.status import JobStatus
from tests.unit.bench.builder import CELL, Story, cell_info

EVERY_DEMAND = [
    "no_loss",
    "no_duplicate_effects",
    "no_phantoms",
    "faults_confirmed",
    "within_bound",
]


def clean() -> Story:
    """Twelve kills, each recovered, and the control cell."""
    story = Story(
        cell_info(fault="sigkill", trials=12, demands=EVERY_DEMAND),
        cell_info(id="control", demands=EVERY_DEMAND),
    )
    for index in range(12):
        story.killed(f"k{index}", 30.0 * index, after=4 + index / 10, resumed_from=4)
    for index in range(4):
        story.healthy(f"h{index}", 30.0 * index, cell="control")
    for index, final in enumerate(story.history.finals):
        story.history.finals[index] = type(final)(
            final.cell, final.job_id, final.status, None, True, None, "", None, 500.0, 500.0
        )
    return story


def test_a_clean_run_is_valid_and_complete() -> None:
    metrics = clean().metrics()
    cell, control = metrics.cells
    assert metrics.verdict is cell.verdict is control.verdict is Verdict.VALID
    assert (cell.faults_confirmed, cell.buckets[Bucket.COMPLETED], cell.jobs) == (12, 12, 12)
    assert cell.recovery_s.median == pytest.approx(4.55)
    assert cell.recovery_s.ci95 is not None
    assert (control.trials, control.recovery_s.samples, control.trial_list) == (0, [], [])
    assert cell.wasted_per_fault_s["redone"] == pytest.approx(1.0)


def test_the_same_history_gives_the_same_metrics_in_any_order() -> None:
    story, shuffled = clean(), clean()
    for records in (
        shuffled.history.ops,
        shuffled.history.attempts,
        shuffled.history.effects,
        shuffled.history.faults,
        shuffled.history.finals,
    ):
        random.Random(7).shuffle(records)
    assert shuffled.metrics().cells[0].checks == story.metrics().cells[0].checks
    assert shuffled.cell().device_s == pytest.approx(story.cell().device_s)
    assert shuffled.cell().recovery_s == story.cell().recovery_s


def test_metrics_survive_the_way_to_disk_and_back(tmp_path: Path) -> None:
    story = clean()
    write_history(tmp_path / "history.jsonl", story.history)
    story.history = read_history(tmp_path / "history.jsonl")
    write_metrics(tmp_path / "metrics.json", story.metrics())
    assert read_metrics(tmp_path / "metrics.json") == story.metrics()


def test_an_empty_history_is_unknown() -> None:
    metrics = Story().metrics()
    assert metrics.verdict is Verdict.UNKNOWN
    assert len(metrics.answer) == 2


def test_a_run_without_cells_is_unknown() -> None:
    story = Story()
    story.cells = []
    metrics = story.metrics()
    assert (metrics.schema, metrics.verdict, metrics.cells) == (SCHEMA, Verdict.UNKNOWN, [])
    assert len(metrics.answer) == 2


def test_records_of_cells_that_the_run_does_not_name_are_left_out() -> None:
    story = Story().healthy("a").healthy("warm", 5.0, cell="warm-up")
    story.fault("t", "warm", "warm-1", 6.0, cell="warm-up")
    cell = story.cell()
    assert (cell.jobs, cell.verdict) == (1, Verdict.VALID)


def test_a_run_in_which_nothing_completed_is_never_valid() -> None:
    story = Story(fault="sigkill", trials=1).submit("a")
    story.denoise("a", "a-1", at=0, done=(0, 5), ends=None).fault("t", "a", "a-1", 6.0)
    metrics = story.final("a", JobStatus.RUNNING, held=False).metrics()
    assert metrics.cells[0].verdict is Verdict.VALID
    assert metrics.verdict is Verdict.UNKNOWN


@pytest.mark.parametrize(
    "part",
    [
        "by_cell",
        "find_reloads",
        "sort_into_buckets",
        "completion_times",
        "read_trials",
        "count_repetition",
        "split_device_time",
        "measure_latency",
        "check_some_completed",
        "check_buckets",
        "check_credits",
        "check_keys",
        "check_rejected",
        "check_cancelled",
        "check_terminal_status",
        "check_reloads",
        "check_faults",
        "check_bound",
        "check_demand",
    ],
)
def test_a_checker_that_crashes_is_unknown_and_says_why(
    part: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def crash(*_: object) -> None:
        raise ZeroDivisionError("planted")

    callers = (invariants_module, cell_module, measure_module)
    monkeypatch.setattr(next(each for each in callers if hasattr(each, part)), part, crash)
    cell = clean().cell()
    assert cell.verdict is Verdict.UNKNOWN
    [crashed] = {check.detail for check in cell.checks if "crashed" in check.detail}
    assert crashed == "the checker crashed: ZeroDivisionError: planted"


def test_an_answer_that_crashes_leaves_the_metrics(monkeypatch: pytest.MonkeyPatch) -> None:
    def crash(*_: object) -> None:
        raise ZeroDivisionError("planted")

    monkeypatch.setattr(measure_module, "answer", crash)
    metrics = clean().metrics()
    assert len(metrics.answer) == 2
    assert metrics.cells[0].id == CELL


def test_composition_takes_the_worst() -> None:
    assert worst([Verdict.VALID, Verdict.UNKNOWN]) is Verdict.UNKNOWN
    assert worst([Verdict.INVALID, Verdict.UNKNOWN, Verdict.VALID]) is Verdict.INVALID
    assert worst([]) is Verdict.UNKNOWN


def test_a_crash_does_not_hide_an_invalid_check() -> None:
    checks = Checks()
    checks.run("crash", lambda: Check("never", Verdict(""), ""))
    checks.run("breach", lambda: Check("breach", Verdict.INVALID, ""))
    assert [check.verdict for check in checks.done] == [Verdict.UNKNOWN, Verdict.INVALID]
    assert checks.verdict is Verdict.INVALID
