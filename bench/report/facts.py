"""A run in one line."""

from datetime import UTC, datetime

from bench.report.format import seconds
from bench.report.page import Page
from bench.report.words import plural


def facts(page: Page) -> list[str]:
    """Return when, how long, how much and of which run."""
    cells = page.metrics.judged
    tried = sum(cell.trials for cell in cells)
    confirmed = sum(cell.faults_confirmed for cell in cells)
    return [
        date(page.info.started_at),
        duration(page.info.duration_s),
        plural(len({cell.arm for cell in cells}), "arm"),
        plural(sum(cell.jobs for cell in cells), "job"),
        f"{confirmed} of {plural(tried, 'fault')} confirmed" if tried else "no faults",
        f"run {page.info.run_id}",
    ]


def date(text: str) -> str:
    """`21 November 2025, 20:24 UTC`; what is no ISO date is given as it is."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return text
    if at.tzinfo:
        at = at.astimezone(UTC)
    return f"{at.day} {at:%B %Y, %H:%M}" + (" UTC" if at.tzinfo else "")


def duration(value_s: float) -> str:
    """`45 s`, `8 min 3 s`."""
    if value_s < 100:
        return seconds(value_s)
    minutes, rest = divmod(round(value_s), 60)
    return f"{minutes} min {rest} s"
