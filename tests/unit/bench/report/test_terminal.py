"""The terminal shows the answer, the numbers and the way to the report at any width."""

import io

import pytest
from rich.console import Console

from bench.report.build import Report
from bench.report.terminal import print_report


def printed(report: Report, width: int) -> str:
    out = io.StringIO()
    print_report(report.page, report.html, Console(file=out, width=width))
    return out.getvalue()


@pytest.mark.parametrize("width", [60, 80, 140, 200])
def test_no_line_is_wider_than_the_terminal(report: Report, width: int) -> None:
    body = printed(report, width).replace(str(report.html), "")
    assert max(len(line.rstrip()) for line in body.splitlines()) <= width


@pytest.mark.parametrize("width", [60, 80, 140])
def test_the_answer_comes_first_and_the_path_last(report: Report, width: int) -> None:
    text = printed(report, width)
    first = report.page.metrics.answer[0].split(",")[0]
    assert " ".join(text.split()).startswith(first)
    assert str(report.html) in text.strip().splitlines()[-1]


def test_a_narrow_terminal_keeps_what_was_lost_and_repeated(report: Report) -> None:
    text = printed(report, 80)
    assert "Lost" in text
    assert "Recovery" in text
    for arm in report.page.arms:
        assert arm.split("/")[1] in text
