"""Twins have a table of their own, and their doubts stand beside the verdict."""

import io
from pathlib import Path

import pytest
from rich.console import Console

from bench.record.history import write_history
from bench.record.run_info import write_run_info
from bench.report.build import Report, build_report
from bench.report.terminal import print_report
from tests.unit.bench.builder import ARM, CELL
from tests.unit.bench.twins import TWIN, Twins


def reported(story: Twins, folder: Path) -> Report:
    """The report of a story."""
    write_run_info(folder / "run.json", story.info())
    write_history(folder / "history.jsonl", story.history)
    return build_report(folder, story.metrics())


@pytest.fixture(scope="module")
def differing(tmp_path_factory: pytest.TempPathFactory) -> Report:
    story = Twins().kills(CELL, after=5.0).kills(TWIN, after=5.0, lost=10)
    return reported(story, tmp_path_factory.mktemp("differing"))


def test_twins_stand_in_their_own_section_and_not_among_the_arms(differing: Report) -> None:
    page = differing.html.read_text()
    before, found, twins = page.partition('<section id="twins">')
    section, _, after = twins.partition('<section id="settings">')
    assert found
    assert f"{ARM}-twin" in section
    assert f"{ARM}-twin" not in before + after
    assert differing.page.arms == [ARM]


@pytest.mark.parametrize("name", ["html", "markdown"])
def test_the_difference_is_said(differing: Report, name: str) -> None:
    assert "the twins differ: lost 0 of 20 and 10 of 20" in getattr(differing, name).read_text()


def test_the_verdict_says_that_the_twins_differ(differing: Report) -> None:
    page = differing.html.read_text()
    verdict = page[page.index('<p class="verdict') : page.index("<nav")]
    assert "the twins differ" in verdict
    assert "Every check passed" not in verdict
    out = io.StringIO()
    print_report(differing.page, differing.html, Console(file=out, width=200))
    assert "the twins differ" in out.getvalue()


def test_equal_twins_raise_no_doubt(tmp_path: Path) -> None:
    story = Twins().kills(CELL, after=5.0).kills(TWIN, after=5.0)
    report = reported(story, tmp_path)
    assert report.page.twins is not None
    assert report.page.twins.doubts == []
    assert "Every check passed (1 cell)" in report.html.read_text()


def test_a_run_without_twins_does_not_speak_of_them(report: Report) -> None:
    assert report.page.twins is None
    assert 'id="twins"' not in report.html.read_text()
