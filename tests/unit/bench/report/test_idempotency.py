"""The idempotency section: the metrics' own numbers, on every page that has any."""

import io
import json
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from bench.record.history import write_history
from bench.record.metrics import CellMetrics, Metrics, read_metrics, write_metrics
from bench.record.run_info import write_run_info
from bench.report.build import Report, build_report
from bench.report.html import render_html
from bench.report.idempotency import MODES
from bench.report.markdown import escape
from bench.report.page import build_page
from bench.report.terminal import print_report
from tests.unit.bench.experiments import KILLED, ZOMBIE, Experiments
from tests.unit.bench.report.document import parse
from tests.unit.bench.report.synthetic_run import SyntheticRun

ARMS = ("celery/hardened", "temporal/hardened")


def _entries() -> list[CellMetrics]:
    """Two experiments on two arms in four modes; each entry has numbers of its own."""
    base = Experiments(KILLED).killed().entry
    return [
        replace(
            base,
            id=f"idempotency/{arm}/{mode}/{experiment}",
            fault=experiment,
            arm=arm,
            mode=mode,
            duplicate_executions=10 * place,
            duplicate_effects=place if mode == "none" else 0,
            suppressed_effects=100 * place,
        )
        for place, (experiment, arm, mode) in enumerate(
            (experiment, arm, mode)
            for experiment in (KILLED.fault, ZOMBIE.fault)
            for arm in ARMS
            for mode in MODES
        )
    ]


@pytest.fixture(scope="module")
def guarded() -> Metrics:
    return replace(Experiments(KILLED, ZOMBIE).killed("a").metrics(), idempotency=_entries())


@pytest.fixture(scope="module")
def alone(guarded: Metrics, tmp_path_factory: pytest.TempPathFactory) -> Report:
    """The report of a run that had experiments and nothing else."""
    folder = tmp_path_factory.mktemp("experiments")
    story = Experiments(KILLED, ZOMBIE).killed("a")
    write_run_info(folder / "run.json", story.info())
    write_history(folder / "history.jsonl", story.history)
    write_metrics(folder / "metrics.json", guarded)
    return build_report(folder, guarded)


def test_metrics_json_has_the_entries_and_reads_back(alone: Report, guarded: Metrics) -> None:
    path = alone.html.with_name("metrics.json")
    assert read_metrics(path) == guarded
    raw = json.loads(path.read_text())
    assert raw["schema"] == 2
    assert {"engine", "mode", "fault", "trials", "faults_confirmed", "buckets"} <= set(
        raw["idempotency"][0]
    )


def test_every_entry_of_the_table_is_the_metrics_own(alone: Report, guarded: Metrics) -> None:
    by_place = {(e.fault, e.arm, e.mode): e for e in guarded.idempotency}
    shown = [e for e in parse(alone.html.read_text()).entries if e.key == "guard"]
    expected = [
        by_place[experiment, arm, mode]
        for experiment in (KILLED.fault, ZOMBIE.fault)
        for arm in ARMS
        for mode in MODES
    ]
    assert len(shown) == len(expected)
    for entry, source in zip(shown, expected, strict=True):
        numbers = [source.duplicate_executions, source.duplicate_effects, source.phantoms]
        assert json.loads(entry.value) == numbers
        assert " / ".join(map(str, numbers)) in entry.text
        if source.suppressed_effects:
            assert f"{source.suppressed_effects} repeats stopped by the key" in entry.text


def test_what_an_entry_means_does_not_hang_on_its_colour(alone: Report) -> None:
    texts = [e.text for e in parse(alone.html.read_text()).entries if e.key == "guard"]
    marks = {text.strip()[0] for text in texts}
    assert marks == {"\u2713", "!", "\u2717"}


def test_a_run_of_experiments_alone_has_a_whole_page_and_no_empty_tables(alone: Report) -> None:
    document = parse(alone.html.read_text())
    assert document.problems == []
    inner = {link.removeprefix("#") for link in document.links if link.startswith("#")}
    assert inner <= set(document.ids)
    assert "idempotency" in inner
    assert not {"numbers", "recovery", "jobs", "budget"} & set(document.ids)
    for nothing in ("This run has no cells", "No job was hit", "no faults", "Nothing was broken"):
        assert nothing not in document.text
    assert alone.page.title == "The same crash under every guard"


def test_markdown_has_the_same_entries(alone: Report) -> None:
    assert alone.page.idempotency is not None
    lines = alone.markdown.read_text().splitlines()
    rules = [place for place, line in enumerate(lines) if line.startswith("|---|")]
    assert [lines[place].count("|") for place in rules] == [len(MODES) + 3]
    for group in alone.page.idempotency.groups:
        for row in group.rows:
            cells = [group.title, row.arm, *(entry.line for entry in row.entries)]
            assert f"| {' | '.join(map(escape, cells))} |" in lines


@pytest.mark.parametrize("width", [80, 140])
def test_the_terminal_has_the_same_entries(alone: Report, width: int) -> None:
    out = io.StringIO()
    print_report(alone.page, alone.html, Console(file=out, width=width))
    assert alone.page.idempotency is not None
    text = out.getvalue()
    for group in alone.page.idempotency.groups:
        for row in group.rows:
            assert all(entry.text in text for entry in row.entries)
    body = text.replace(str(alone.html), "")
    assert max(len(line.rstrip()) for line in body.splitlines()) <= width


def test_beside_cells_the_section_brings_its_own_sentences(
    run: SyntheticRun, guarded: Metrics, tmp_path: Path
) -> None:
    said = run.metrics.sentences | guarded.sentences
    both = replace(run.metrics, idempotency=guarded.idempotency, sentences=said)
    page = build_page(run.info, both, tmp_path)
    html = render_html(page)
    document = parse(html)
    assert document.problems == []
    assert {"numbers", "idempotency", "budget"} <= set(document.ids)
    assert page.idempotency is not None
    assert all(sentence in html for sentence in page.idempotency.sentences)
    assert page.title == "A GPU worker dies in the middle of a job"


def test_a_run_without_experiments_says_nothing_of_them(report: Report) -> None:
    assert report.page.idempotency is None
    assert "guard" not in parse(report.html.read_text()).text.lower()


def test_an_entry_that_fell_short_is_named(tmp_path: Path) -> None:
    story = Experiments(KILLED).killed()
    story.effect("a", "capture_credits", 9, key="another")
    broken = story.metrics()
    page = build_page(story.info(), broken, tmp_path)
    text = parse(render_html(page)).text
    assert f"{KILLED.id} is invalid (no duplicate effects)" in " ".join(text.split())
    out = io.StringIO()
    print_report(page, tmp_path / "report.html", Console(file=out, width=200))
    assert "no duplicate effects: 1 duplicate effects" in out.getvalue()
