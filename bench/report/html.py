"""The page: one file that opens from disk and loads nothing."""

from markupsafe import Markup

from bench.report.charts import survival_chart
from bench.report.environment import environment
from bench.report.format import seconds
from bench.report.frontier_chart import repeats_chart, waste_chart
from bench.report.page import Page, Section
from bench.report.timeline import JobTimeline
from bench.report.timeline_chart import timeline_chart

OPEN_TIMELINES = 3
MOST_TIMELINES = 40
"""Timelines drawn an arm and fault; the rest is counted and stays in `history.jsonl`."""


def render_html(page: Page) -> str:
    """Return the whole document."""
    return (
        environment()
        .get_template("report.html.j2")
        .render(
            page=page,
            info=page.info,
            metrics=page.metrics,
            survival=_survival,
            timeline=_timeline,
            repeats_chart=repeats_chart,
            waste_chart=waste_chart,
            outcome=outcome,
            open_timelines=OPEN_TIMELINES,
            most_timelines=MOST_TIMELINES,
        )
    )


def outcome(job: JobTimeline) -> str:
    """Say in a few words what became of a hit step."""
    trial = job.trial
    if not trial.confirmed:
        return "the fault missed its target"
    if trial.nothing_to_recover:
        if trial.stopped_s is None:
            return "no step had to be recovered"
        return f"hit at {trial.progress_at_fault}, stopped after {seconds(trial.stopped_s)}"
    words = [f"hit at {trial.progress_at_fault}"]
    if trial.graceful:
        words.append("finished all the same")
    elif trial.recovery_s is not None:
        words.append(f"taken up again after {seconds(trial.recovery_s)}")
        if trial.resumed_from is not None:
            words.append(f"from step {trial.resumed_from}" if trial.resumed_from else "from zero")
    else:
        words.append("not taken up again")
    return ", ".join(words)


def _survival(section: Section) -> Markup:
    return survival_chart(section.curves, section.drain_s, section.words.many)


def _timeline(section: Section, job: JobTimeline) -> Markup:
    return timeline_chart(job, section.span_s, section.words.mark)
