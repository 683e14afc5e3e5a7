"""With more than two kinds of fault, the report begins with one table of all of them."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from bench.checkers.expectations import as_documented, documented
from bench.record.metrics import CellMetrics, Metrics
from bench.record.run_info import AbsentCell
from bench.report.build import Report
from bench.report.fault_table import FaultTable, build_fault_table
from bench.report.format import Tone
from bench.report.html import render_html
from bench.report.limits import limits
from bench.report.markdown import render_markdown
from bench.report.page import Page, build_page
from tests.unit.bench.builder import Story
from tests.unit.bench.report.document import parse
from tests.unit.bench.report.test_terminal import printed

ABSENT = AbsentCell(
    "s/temporal/hardened/child-sigkill", "it has no child", "child-sigkill", "temporal/hardened"
)


def _cell(fault: str, arm: str, **changes: object) -> CellMetrics:
    story = Story(fault="sigkill", trials=3)
    for number in range(3):
        story.killed(f"job-{number}", at=100.0 * number)
    engine, _, profile = arm.partition("/")
    names = {"id": f"s/{arm}/{fault}", "engine": engine, "profile": profile}
    cell = replace(story.cell(), fault=fault, arm=arm, **{**names, **changes})  # type: ignore[arg-type]
    return replace(cell, documented=documented(cell))


CELLS = [
    _cell("zombie", "celery/hardened"),
    _cell("sigkill", "celery/hardened"),
    _cell("sigkill", "temporal/hardened", duplicate_effects=1),
    _cell("child-sigkill", "celery/hardened"),
]


def metrics_of(cells: list[CellMetrics]) -> Metrics:
    metrics = Story(fault="sigkill", trials=3).metrics()
    return replace(metrics, cells=cells, as_documented=as_documented(cells))


@pytest.fixture
def table() -> FaultTable:
    found = build_fault_table(metrics_of(CELLS), [ABSENT], {})
    assert found is not None
    return found


@pytest.fixture
def page(tmp_path: Path) -> Page:
    story = Story(fault="sigkill", trials=3)
    info = replace(story.info(), absent=[ABSENT])
    return build_page(info, metrics_of(CELLS), tmp_path)


def test_an_arm_that_is_in_two_stages_has_a_row_for_each() -> None:
    again = _cell("sigkill", "celery/hardened", id="affordable/celery/hardened/sigkill")
    found = build_fault_table(metrics_of([*CELLS, again]), [ABSENT], {})
    assert found is not None
    assert [row.title for row in found.rows if row.name == "sigkill"] == [
        "Worker killed (SIGKILL)",
        "Worker killed (SIGKILL) (stage affordable)",
    ]


def test_two_kinds_of_fault_need_no_table(report: Report) -> None:
    assert build_fault_table(metrics_of(CELLS[:2]), [], {}) is None
    assert report.page.faults is None


def test_rows_are_in_the_registrys_order_and_columns_in_the_arms(table: FaultTable) -> None:
    assert [row.name for row in table.rows] == ["child-sigkill", "sigkill", "zombie"]
    assert [arm.name for arm in table.arms] == ["celery/hardened", "temporal/hardened"]


def test_an_entry_is_lost_of_confirmed_and_says_how_fast_it_came_back(table: FaultTable) -> None:
    entry = table.rows[1].entries[0]
    assert (entry.text, json.loads(entry.value)) == ("= 0/3", [0, 3])
    assert entry.detail == "3 repeated, again after 5.0\u00a0s (bound 10\u00a0s)"
    assert "promised: An unacknowledged message is handed out again" in entry.note
    assert entry.tone is Tone.QUIET


def test_what_differs_is_marked_named_and_counted(table: FaultTable) -> None:
    entry = table.rows[1].entries[1]
    assert entry.text.startswith("\u2260")
    assert entry.tone is Tone.ALARM
    assert table.differences == [
        "Worker killed (SIGKILL), temporal/hardened, duplicate effects: none expected, 1 seen"
    ]
    assert "3 of 4 cells came out as the documentation promises" in table.sentence


def test_each_promise_stands_beside_what_was_seen_of_it(table: FaultTable) -> None:
    promise = table.rows[1].promises[0]
    assert promise.text.startswith("An unacknowledged message is handed out again")
    assert "celery docs" in promise.source
    assert "= started again: each expected, 3 of 3 seen" in promise.measures
    assert "\u2260 duplicate effects: none expected, 1 seen" in table.rows[1].promises[1].measures


def test_what_cannot_exist_or_was_not_tried_is_not_measured_against_its_promise(
    table: FaultTable,
) -> None:
    absent, untried = table.rows[0].promises[1], table.rows[2].promises[1]
    assert absent.text == "it has no child"
    assert not absent.measures
    assert not untried.measures


def test_a_cell_that_cannot_exist_says_why(table: FaultTable) -> None:
    entry = table.rows[0].entries[1]
    assert (entry.text, entry.note) == ("\u2013", "it has no child")
    assert "1 cell cannot exist" in table.sentence


def test_a_cell_that_was_not_tried_says_so(table: FaultTable) -> None:
    assert table.rows[2].entries[1].detail == "not tried"


def test_the_page_shows_it_before_any_other_number(page: Page) -> None:
    html = render_html(page)
    document = parse(html)
    assert document.problems == []
    assert [entry.key for entry in document.entries[:6]] == ["fault"] * 6
    assert html.index("What each fault did to each arm") < html.index("What was lost, repeated")
    assert "it has no child" in document.text


def test_the_markdown_has_the_same_entries(page: Page) -> None:
    text = render_markdown(page)
    assert "= started again: each expected, 3 of 3 seen; " in text
    assert "| Worker killed (SIGKILL) | = 0/3 (3 repeated, again after 5.0 s (bound 10 s))" in text


def test_the_terminal_has_one_line_a_fault(page: Page, tmp_path: Path) -> None:
    text = printed(Report(tmp_path / "report.html", tmp_path / "report.md", page), 80)
    assert max(len(line.rstrip()) for line in text.splitlines()[:-1]) <= 80
    assert "zombie" in text


def test_what_was_left_alone_follows_from_the_faults(page: Page) -> None:
    said = " ".join(limits(page))
    assert "the 3 of the table" in said
    assert "Servers, network, disks and hosts were left alone." in said
