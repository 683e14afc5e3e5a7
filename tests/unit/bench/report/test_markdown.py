"""The Markdown file says the same numbers as the page."""

from dataclasses import replace
from pathlib import Path

from bench.record.metrics import Metrics
from bench.report.build import Report
from bench.report.markdown import escape, render_markdown
from bench.report.page import build_page
from tests.unit.bench.report.synthetic_run import SyntheticRun


def test_it_begins_with_the_answer(report: Report, metrics: Metrics) -> None:
    title, answer, *_ = [line for line in report.markdown.read_text().splitlines() if line]
    assert title.startswith("# ")
    assert answer == escape(" ".join(metrics.answer))


def test_every_row_has_the_numbers_of_the_page(report: Report) -> None:
    lines = report.markdown.read_text().splitlines()
    for section in report.page.sections:
        for row in section.table.rows:
            cells = [escape(row.arm), *(escape(entry.line) for entry in row.entries)]
            assert f"| {' | '.join(cells)} |" in lines


def test_every_table_is_whole(report: Report) -> None:
    lines = report.markdown.read_text().splitlines()
    rules = [place for place, line in enumerate(lines) if line.startswith("|---|")]
    assert len(rules) == len(report.page.sections)
    for rule in rules:
        width = lines[rule].count("|")
        assert lines[rule - 1].count("|") == width
        assert lines[rule + 1].count("|") == width


def test_hostile_text_stays_text(run: SyntheticRun, metrics: Metrics, tmp_path: Path) -> None:
    hostile = "a | b <script>x</script> [c](http://d.example)\n# e"
    shouting = replace(metrics, answer=[hostile, ""])
    text = render_markdown(build_page(run.info, shouting, tmp_path))
    assert "<script>" not in text
    assert "\n# e" not in text
    assert "[c](" not in text
