"""The page says what the metrics say, and needs nothing but itself."""

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from bench.record.metrics import Metrics
from bench.record.run_info import ServiceInfo
from bench.report.build import Report, build_report
from bench.report.format import Shown
from bench.report.html import render_html
from bench.report.page import build_page
from tests.unit.bench.report.document import parse
from tests.unit.bench.report.synthetic_run import SyntheticRun


@pytest.fixture(scope="module")
def html(report: Report) -> str:
    return report.html.read_text()


def test_the_answer_comes_before_any_number(html: str, metrics: Metrics) -> None:
    first, second = metrics.answer
    assert html.index(first) < html.index(second) < html.index("<table")


def test_every_table_number_carries_its_exact_value(html: str, report: Report) -> None:
    shown = [
        entry
        for section in report.page.sections
        for table in (section.table, section.more)
        for row in table.rows
        for entry in row.entries
    ]
    found = parse(html).entries
    assert [entry.value for entry in found] == [entry.value for entry in shown]
    assert all(entry.text.startswith(s.text) for entry, s in zip(found, shown, strict=True))


def test_the_main_columns_are_the_metrics_own_numbers(report: Report) -> None:
    checked = 0
    for section in report.page.sections:
        keys = [column.key for column in section.table.columns]
        for cell, row in zip(section.cells, section.table.rows, strict=True):
            entries = dict(zip(keys, row.entries, strict=True))
            assert json.loads(entries["lost"].value) == cell.buckets["lost"]
            assert json.loads(entries["re_executions"].value) == cell.re_executions
            assert json.loads(entries["duplicate_effects"].value) == cell.duplicate_effects
            if "recovery" in entries:
                assert json.loads(entries["recovery"].value) == cell.recovery_s.median
                assert json.loads(entries["confirmed"].value) == cell.faults_confirmed
            checked += 1
    assert checked == len(report.page.metrics.cells)


def test_a_number_without_a_value_is_a_dash_with_its_reason(report: Report) -> None:
    dashes = [
        entry
        for section in report.page.sections
        for row in section.table.rows
        for entry in row.entries
        if entry.value == "null"
    ]
    assert dashes
    assert all(entry.text == "\u2013" and entry.note for entry in dashes)
    assert "None" not in parse(report.html.read_text()).text


def test_it_is_well_formed_and_its_links_lead_somewhere(html: str) -> None:
    document = parse(html)
    assert document.problems == []
    assert len(document.ids) == len(set(document.ids))
    inner = {link.removeprefix("#") for link in document.links if link.startswith("#")}
    assert inner
    assert inner <= set(document.ids)


def test_it_loads_nothing_and_runs_nothing(html: str) -> None:
    document = parse(html)
    assert all(load.startswith("data:") for load in document.loads)
    assert "script" not in document.tags
    assert not re.findall(r"url\((?!#)|@import|https?://", html)


def test_it_has_a_picture_of_every_arm(report: Report, run: SyntheticRun) -> None:
    assert [len(each.pictures) for each in report.page.pictures] == [len(run.arms)] * 3
    assert all(each.difference == 0 for each in report.page.pictures)


def test_hostile_text_stays_text(run: SyntheticRun, metrics: Metrics, tmp_path: Path) -> None:
    hostile = "<script>alert(1)</script>\"'><img src=https://x.example/>"
    folder = run.write(tmp_path / "run")
    index = json.loads((folder / "images" / "index.json").read_text())
    (folder / "images" / "index.json").write_text(
        json.dumps([entry | {"prompt": hostile} for entry in index])
    )
    info = replace(
        run.info,
        command=hostile,
        scenario=hostile,
        git=hostile,
        host={hostile: hostile},
        services=[ServiceInfo(hostile, hostile, hostile)],
    )
    shouting = replace(metrics, answer=[hostile, hostile], run_id=hostile)
    document = parse(render_html(build_page(info, shouting, folder)))
    assert "script" not in document.tags
    assert document.problems == []
    assert all(load.startswith("data:") for load in document.loads)
    assert hostile in document.text


def test_a_run_without_cells_still_has_a_page(run: SyntheticRun, tmp_path: Path) -> None:
    info = replace(run.info, cells=[], settings={}, services=[], topology={}, host={}, versions={})
    empty = Metrics(1, "empty", run.metrics.verdict, ["Nothing ran.", "So there is no answer."], [])
    html = render_html(build_page(info, empty, tmp_path))
    assert parse(html).problems == []
    assert "Nothing ran." in html


def test_one_arm_without_a_kill_is_reported(tmp_path: Path) -> None:
    run = SyntheticRun(arms=("celery/hardened",), kills=0, stops=0, real_kills=0)
    report = build_report(run.write(tmp_path / "run"), run.metrics)
    text = parse(report.html.read_text()).text
    assert "No fault left a step to recover in this run." in text


def test_a_full_suite_stays_small(tmp_path: Path) -> None:
    run = SyntheticRun(kills=30, stops=10, real_kills=6)
    report = build_report(run.write(tmp_path / "run"), run.metrics)
    assert report.html.stat().st_size < 3_000_000


def test_a_shown_line_joins_text_and_detail() -> None:
    assert Shown("4.2 s", detail="95 %: 3-5 s").line == "4.2 s (95 %: 3-5 s)"


def test_a_recovery_beyond_its_bound_is_set_off_and_named(tmp_path: Path) -> None:
    run = SyntheticRun(arms=("temporal/hardened",), kills=5, stops=0, real_kills=0)
    run.cells = [
        replace(cell, predicted=replace(cell.predicted, seconds=0.5))
        if cell.fault == "sigkill"
        else cell
        for cell in run.cells
    ]
    report = build_report(run.write(tmp_path / "run"), run.metrics)
    text = parse(report.html.read_text()).text
    assert "over the bound" in text
    assert "recovery within bound" in text
    assert "fell short" in text
