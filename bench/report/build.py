"""Writes the report of a run into its folder."""

from dataclasses import dataclass
from pathlib import Path

from bench.record.metrics import Metrics
from bench.record.run_info import read_run_info
from bench.report.html import render_html
from bench.report.markdown import render_markdown
from bench.report.page import Page, build_page


@dataclass(frozen=True, slots=True)
class Report:
    """What was written, and what it says (for the terminal)."""

    html: Path
    markdown: Path
    page: Page


def build_report(folder: Path, metrics: Metrics) -> Report:
    """Write `report.html` and `report.md` from the folder's `run.json` and these metrics.

    Pictures are taken from `images/` if there are any. `FileNotFoundError` or `ValueError` if the
    folder is not a run's.
    """
    page = build_page(read_run_info(folder / "run.json"), metrics, folder)
    report = Report(folder / "report.html", folder / "report.md", page)
    report.html.write_text(render_html(page), encoding="utf-8")
    report.markdown.write_text(render_markdown(page), encoding="utf-8")
    return report
