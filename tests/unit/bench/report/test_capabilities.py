"""The capability section shows the stored matrix, and says who tried it."""

from dataclasses import replace
from pathlib import Path

import pytest

from bench.checkers.measure import measure
from bench.record.matrix import Cell, Matrix, MatrixRow
from bench.record.metrics import Metrics
from bench.record.run_info import CapabilityInfo, write_run_info
from bench.report.build import Report, build_report
from bench.report.format import Tone
from bench.report.page import build_page
from tests.unit.bench.report.document import parse
from tests.unit.bench.report.synthetic_run import SyntheticRun

MATRIX = Matrix(
    [
        MatrixRow(
            1,
            "chain",
            {
                "celery": Cell("native", True, 13, "`chain` passes each result on."),
                "temporal": Cell("native", False, 1, "One `await` after the other."),
            },
        ),
        MatrixRow(
            2,
            "affinity",
            {
                "celery": Cell("not possible", None, 0, "There is no way."),
                "temporal": Cell("built", None, 26, "<script>No sessions</script>."),
            },
        ),
    ],
    {"celery": 246, "temporal": 368},
)
TRIED = CapabilityInfo(
    MATRIX, "digest", "20251121-190000-capabilities-00ff", "2025-11-21T19:00:00+00:00"
)


def _report(run: SyntheticRun, metrics: Metrics, folder: Path, shown: CapabilityInfo) -> Report:
    run.write(folder)
    write_run_info(folder / "run.json", replace(run.info, capabilities=shown))
    return build_report(folder, metrics)


@pytest.fixture(scope="module")
def shown(run: SyntheticRun, metrics: Metrics, tmp_path_factory: pytest.TempPathFactory) -> Report:
    return _report(run, metrics, tmp_path_factory.mktemp("matrix"), TRIED)


def test_each_entry_says_support_outcome_and_lines(shown: Report) -> None:
    section = shown.page.capabilities
    assert section is not None
    assert [(row.id, [entry.line for entry in row.entries]) for row in section.rows] == [
        (1, ["\u2713 native (passed, 13 lines)", "\u2717 native (failed, 1 line)"]),
        (2, ["not possible", "built (not run, 26 lines)"]),
    ]
    tones = [entry.tone for row in section.rows for entry in row.entries]
    assert tones == [Tone.PLAIN, Tone.ALARM, Tone.QUIET, Tone.PLAIN]


def test_the_page_and_the_file_show_every_entry_with_its_reason(shown: Report) -> None:
    document = parse(shown.html.read_text())
    assert document.problems == []
    assert "script" not in document.tags
    assert "capabilities" in document.ids
    assert "#capabilities" in document.links
    entries = [entry for entry in document.entries if entry.key == "pattern"]
    assert [entry.value for entry in entries] == ["13", "1", "0", "26"]
    markdown = shown.markdown.read_text()
    for said in ("`chain` passes each result on.", "There is no way.", "No sessions"):
        assert said.replace("`", "") in document.text
        assert said in markdown
    assert "<script>" not in markdown
    for text in (document.text, markdown):
        assert "\u2713 native" in text
        assert "Celery on Redis 246, Temporal 368" in text


def test_it_says_which_run_tried_the_rows(shown: Report) -> None:
    line = (
        "Tried by run 20251121-190000-capabilities-00ff of 21 November 2025, 19:00 UTC, on the "
        "same source and versions: Celery on Redis passed 1 of 1, "
        "Temporal passed 0 of 2 (1 not run)."
    )
    assert line in parse(shown.html.read_text()).text
    assert line in shown.markdown.read_text()


def test_without_a_run_of_this_source_it_says_how_to_get_one(
    run: SyntheticRun, metrics: Metrics, tmp_path: Path
) -> None:
    report = _report(run, metrics, tmp_path / "run", CapabilityInfo(MATRIX, "digest"))
    assert "Not run on this source: changeover capabilities" in parse(report.html.read_text()).text


def test_the_matrix_of_an_earlier_run_does_not_judge_this_one(
    run: SyntheticRun, metrics: Metrics
) -> None:
    beside = measure(replace(run.info, capabilities=TRIED), run.history)
    assert beside.sentences["capabilities"]
    assert replace(beside, sentences=metrics.sentences) == metrics


def test_a_run_that_recorded_no_matrix_has_no_section(
    run: SyntheticRun, metrics: Metrics, tmp_path: Path
) -> None:
    assert build_page(run.info, metrics, tmp_path).capabilities is None
