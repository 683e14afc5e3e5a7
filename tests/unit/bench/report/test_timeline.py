"""A timeline tells attempts as the ledger does."""

import pytest

from bench.record.metrics import Metrics
from bench.record.timeline import CUT_OFF, Phase
from bench.report.timeline import JobTimeline, job_timelines
from bench.report.timeline_chart import timeline_chart

STEP = "generate_image/0"


def timelines(metrics: Metrics, cell_id: str) -> list[JobTimeline]:
    return job_timelines(next(cell for cell in metrics.cells if cell.id == cell_id))


def test_there_is_one_for_every_trial(metrics: Metrics) -> None:
    for cell in metrics.cells:
        assert len(timelines(metrics, cell.id)) == cell.trials


def test_the_killed_attempt_ends_at_the_fault(metrics: Metrics) -> None:
    for job in timelines(metrics, "simulated-sigkill-temporal-hardened"):
        killed = next(row for row in job.rows if row.step == STEP)
        assert killed.end == CUT_OFF
        assert killed.end_s == pytest.approx(0)


def test_the_next_attempt_shows_how_long_nobody_had_the_step(
    metrics: Metrics,
) -> None:
    for job in timelines(metrics, "simulated-sigkill-celery-hardened"):
        waited = [row.waited_s for row in job.rows if row.waited_s is not None]
        assert waited == [pytest.approx(job.trial.handed_out_s)]


def test_lost_progress_is_shown_as_redone_and_resumed_progress_is_not(
    metrics: Metrics,
) -> None:
    def redone_s(cell_id: str) -> float:
        return sum(
            part.end_s - part.start_s
            for job in timelines(metrics, cell_id)
            for row in job.rows
            for part in row.stretches
            if part.phase is Phase.REDONE
        )

    from_zero = redone_s("simulated-sigkill-celery-hardened")
    resumed = redone_s("simulated-sigkill-temporal-hardened")
    assert from_zero > resumed >= 0


def test_a_lost_job_has_no_later_attempt(metrics: Metrics) -> None:
    for job in timelines(metrics, "simulated-sigkill-celery-stock"):
        assert job.abandoned
        assert max(row.start_s for row in job.rows) <= 0


def test_effects_are_marked_once_each(metrics: Metrics) -> None:
    job = timelines(metrics, "simulated-sigkill-celery-hardened")[0]
    assert [tick.effect for tick in job.effects] == [
        "reserve_credits",
        "capture_credits",
        "notify_user",
    ]
    assert not any(tick.repeat for tick in job.effects)


def test_a_drawing_has_a_row_an_attempt_and_the_moment_of_the_fault(
    metrics: Metrics,
) -> None:
    job = timelines(metrics, "simulated-sigkill-temporal-hardened")[0]
    svg = str(timeline_chart(job, job.span_s, "SIGKILL"))
    assert svg.count('class="label"') == len(job.rows) + 1
    assert "SIGKILL" in svg
    assert svg.count('class="effect once"') == 3
