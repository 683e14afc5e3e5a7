"""The matrix is what the suite's report and the sources say, and nothing else."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from bench.capabilities.suite import matrix_of
from bench.cli import app
from bench.verbs import capabilities
from bench.verbs.capabilities import read_report


def _report(folder: Path, *cases: str) -> Path:
    report = folder / "junit.xml"
    report.write_text(f"<testsuites><testsuite>{''.join(cases)}</testsuite></testsuites>")
    return report


def _case(row: int, engine: str, inside: str = "") -> str:
    properties = f'<property name="row" value="{row}"/><property name="engine" value="{engine}"/>'
    return f'<testcase name="t"><properties>{properties}</properties>{inside}</testcase>'


def test_a_row_has_passed_if_all_of_its_tests_have(tmp_path: Path) -> None:
    report = _report(
        tmp_path,
        _case(1, "celery"),
        _case(1, "temporal"),
        _case(2, "celery"),
        _case(2, "celery", '<failure message="no"/>'),
        _case(3, "celery", '<error message="no"/>'),
        _case(4, "celery", '<skipped message="no"/>'),
    )
    assert read_report(report) == {
        (1, "celery"): True,
        (1, "temporal"): True,
        (2, "celery"): False,
        (3, "celery"): False,
    }


def test_a_row_that_was_not_tried_has_not_passed() -> None:
    every = {(row, "celery"): True for row in range(1, 25)}
    assert matrix_of(["celery"], every).passed
    del every[7, "celery"]
    matrix = matrix_of(["celery"], every)
    assert not matrix.passed
    assert [row.id for row in matrix.rows if not row.engines["celery"].passed] == [7]


def test_the_matrix_has_every_row_and_engine_and_the_shared_lines() -> None:
    matrix = matrix_of(["celery", "temporal"], {})
    assert [row.id for row in matrix.rows] == list(range(1, 25))
    for row in matrix.rows:
        for cell in row.engines.values():
            assert cell.support in ("native", "built", "not possible")
            assert cell.passed is None, "nothing was run"
            assert cell.why
    assert all(lines > 0 for lines in matrix.base_lines.values())


def test_without_pytest_the_command_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(capabilities.importlib.util, "find_spec", lambda _: None)
    result = CliRunner().invoke(app, ["capabilities", "--results", str(tmp_path / "results")])
    assert result.exit_code == 3
    assert "pip install 'changeover[capabilities]'" in result.stderr
    assert not (tmp_path / "results").exists()
