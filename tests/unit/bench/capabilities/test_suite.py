"""A run's matrix says that a row passed only where the suite ran this very source."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from bench.arms.engines import ENGINES
from bench.capabilities import suite
from bench.capabilities.suite import known_capabilities, matrix_of, source_digest
from bench.record.metrics import Verdict, read_metrics
from bench.record.run_info import SCHEMA, CapabilityInfo, RunInfo, read_run_info, write_run_info
from bench.report.build import build_report
from bench.verbs.capabilities import write_run

_EVERY = {(row, engine): True for row in range(1, 25) for engine in ENGINES}
_AT = "2025-11-21T20:24:00+00:00"


def _run(
    results: Path,
    run_id: str,
    passed: suite.Passed = _EVERY,
    *,
    source: str | None = None,
    engines: tuple[str, ...] = ENGINES,
) -> Path:
    """Write the folder of a run of the suite and return it."""
    tried = CapabilityInfo(
        matrix_of(engines, passed), source_digest() if source is None else source, run_id, _AT
    )
    info = RunInfo(
        schema=SCHEMA,
        run_id=run_id,
        command="changeover capabilities",
        scenario="",
        seed=0,
        started_at=_AT,
        duration_s=1.0,
        host={},
        versions={},
        git="0123abc",
        services=[],
        topology={},
        settings={},
        cells=[],
        capabilities=tried,
    )
    folder = results / run_id
    folder.mkdir()
    write_run(folder, info)
    return folder


def _known(results: Path) -> CapabilityInfo:
    known = known_capabilities(results)
    assert known is not None
    return known


def test_without_a_run_of_the_suite_no_row_has_passed_or_failed(tmp_path: Path) -> None:
    known = _known(tmp_path)
    assert (known.run_id, known.matrix.passed_by_cell) == (None, {})
    assert known.matrix.untried == len(_EVERY)
    assert not known.matrix.passed


def test_the_newest_run_of_the_same_source_tells_what_passed(tmp_path: Path) -> None:
    _run(tmp_path, "20251121-100000-capabilities-0000")
    _run(tmp_path, "20251121-110000-capabilities-0000", {**_EVERY, (3, "celery"): False})
    _run(tmp_path, "20251121-120000-capabilities-0000", source="another")
    _run(tmp_path, "20251121-130000-capabilities-0000", source="")
    known = _known(tmp_path)
    assert (known.run_id, known.started_at) == ("20251121-110000-capabilities-0000", _AT)
    assert known.matrix.passed_by_cell == {**_EVERY, (3, "celery"): False}


def test_an_engine_that_the_run_left_out_was_not_tried(tmp_path: Path) -> None:
    _run(tmp_path, "20251121-100000-capabilities-0000", engines=("celery",))
    known = _known(tmp_path)
    assert list(known.matrix.base_lines) == list(ENGINES)
    assert {engine for _, engine in known.matrix.passed_by_cell} == {"celery"}


def test_a_run_that_only_shows_a_matrix_and_a_damaged_one_prove_nothing(tmp_path: Path) -> None:
    folder = _run(tmp_path, "20251121-100000-capabilities-0000")
    info = read_run_info(folder / "run.json")
    write_run_info(folder / "run.json", replace(info, run_id="20251121-110000-capabilities-0000"))
    damaged = _run(tmp_path, "20251121-120000-capabilities-0000")
    (damaged / "run.json").write_text("{")
    assert _known(tmp_path).run_id is None


def test_another_source_or_version_has_another_digest(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(suite, "ROOT", tmp_path)
    (tmp_path / "shared").mkdir()
    digests = {source_digest()}
    for name, text in (("one.py", "a"), ("one.py", "b"), ("two.py", "b"), ("page.html", "c")):
        (tmp_path / "shared" / name).write_text(text)
        digests.add(source_digest())
    assert len(digests) == 4, "the page is no source of the suite"
    monkeypatch.setattr(suite, "versions", lambda: {"celery": "another"})
    assert source_digest() not in digests


@pytest.mark.parametrize(
    ("passed", "verdict", "said"),
    [
        (_EVERY, Verdict.VALID, "Temporal passed 24 of 24."),
        ({**_EVERY, (2, "temporal"): False}, Verdict.INVALID, "Temporal passed 23 of 24."),
        (
            {key: True for key in _EVERY if key != (2, "temporal")},
            Verdict.UNKNOWN,
            "Temporal passed 23 of 24 (1 not run).",
        ),
    ],
)
def test_a_run_of_the_suite_is_judged_by_its_rows_and_reports_them(
    tmp_path: Path, passed: suite.Passed, verdict: Verdict, said: str
) -> None:
    folder = _run(tmp_path, "20251121-100000-capabilities-0000", passed)
    metrics = read_metrics(folder / "metrics.json")
    assert metrics.verdict is verdict
    assert metrics.answer[0].startswith("Of 24 patterns, Celery on Redis has ")
    html, markdown = (folder / "report.html").read_text(), (folder / "report.md").read_text()
    assert f"Tried by this run: Celery on Redis passed 24 of 24, {said}" in html
    # From the stored files alone, the report is the same again.
    build_report(folder, metrics)
    assert (folder / "report.html").read_text() == html
    assert (folder / "report.md").read_text() == markdown


def test_the_run_json_of_an_older_version_still_loads(tmp_path: Path) -> None:
    path = _run(tmp_path, "20251121-100000-capabilities-0000") / "run.json"
    older = json.loads(path.read_text())
    del older["capabilities"]
    path.write_text(json.dumps(older))
    assert read_run_info(path).capabilities is None
