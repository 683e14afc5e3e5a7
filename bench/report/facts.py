"""A run in one line."""

from bench.report.format import date, seconds
from bench.report.page import Page
from bench.report.words import plural


def facts(page: Page) -> list[str]:
    """Return when, how long, how much and of which run."""
    when = [date(page.info.started_at), duration(page.info.duration_s)]
    return [*when, *_how_much(page), f"run {page.info.run_id}"]


def _how_much(page: Page) -> list[str]:
    if page.capabilities and not page.submits:
        patterns, engines = len(page.capabilities.rows), len(page.capabilities.engines)
        return [plural(patterns, "pattern"), plural(engines, "engine")]
    cells = page.metrics.judged
    tried = sum(cell.trials for cell in cells)
    confirmed = sum(cell.faults_confirmed for cell in cells)
    return [
        plural(len({cell.arm for cell in cells}), "arm"),
        plural(sum(cell.jobs for cell in cells), "job"),
        f"{confirmed} of {plural(tried, 'fault')} confirmed" if tried else "no faults",
    ]


def duration(value_s: float) -> str:
    """`45 s`, `8 min 3 s`."""
    if value_s < 100:
        return seconds(value_s)
    minutes, rest = divmod(round(value_s), 60)
    return f"{minutes} min {rest} s"
