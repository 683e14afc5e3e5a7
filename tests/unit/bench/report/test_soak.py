"""The soak section: the metrics' own numbers, and no timeline of twenty thousand jobs."""

from dataclasses import replace
from pathlib import Path

from bench.record.history import write_history
from bench.record.metrics import write_metrics
from bench.record.run_info import write_run_info
from bench.report.build import Report, build_report
from bench.report.soak import throughput_chart
from tests.unit.bench.checkers.test_soak import INFO, Soak
from tests.unit.bench.report.synthetic_run import SyntheticRun


def built(folder: Path, soak: Soak) -> Report:
    write_run_info(folder / "run.json", soak.info())
    write_history(folder / "history.jsonl", soak.history)
    write_metrics(folder / "metrics.json", soak.metrics())
    return build_report(folder, soak.metrics())


def test_a_run_that_was_only_a_soak_shows_it_and_nothing_of_cells(tmp_path: Path) -> None:
    report = built(tmp_path, Soak())
    html, markdown = report.html.read_text(), report.markdown.read_text()
    assert report.page.title == "Random faults for a long time"
    assert 'id="soak"' in html
    assert 'id="numbers"' not in html
    assert "curve arm-celery" in html
    assert "Every check passed (1 soaked arm)." in " ".join(html.split())
    assert "Nothing was broken" not in html
    assert "## Random faults for a long time" in markdown
    for sentence in report.page.metrics.answer:
        assert sentence in html


def test_every_number_stands_beside_its_exact_value(tmp_path: Path) -> None:
    soak = Soak()
    section = built(tmp_path, soak).page.soak
    assert section is not None
    shown = {line.measure.key: line.entries[0] for line in section.outcome.lines}
    assert (shown["kills"].value, shown["jobs"].value, shown["lost"].value) == ("2", "2", "0")
    faults = [line.entries[0] for line in section.faults.lines]
    assert [entry.text for entry in faults] == ["1 of 1", "1 of 1"]
    assert "5.0\u00a0s" in faults[-1].detail


def test_what_an_engine_cannot_suffer_is_said(tmp_path: Path) -> None:
    info = replace(INFO, absent={"sigkill of beat": "there is no clock"})
    soak = Soak()
    soak.info = lambda: replace(Soak().info(), soak=[info])  # type: ignore[method-assign]
    page = built(tmp_path, soak).page
    assert page.soak is not None
    assert page.soak.absent == ["celery/hardened: sigkill of beat cannot exist: there is no clock."]


def test_a_run_without_a_soak_has_no_section(tmp_path: Path) -> None:
    run = SyntheticRun(kills=1, stops=0, real_kills=0)
    run.write(tmp_path)
    assert 'id="soak"' not in build_report(tmp_path, run.metrics).html.read_text()


def test_without_throughput_there_is_no_chart() -> None:
    assert throughput_chart([replace(Soak().entry, throughput=[])], {}) == ""
