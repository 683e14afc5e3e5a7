"""Latency counts from the intended send time."""

import pytest

from bench.record.history import OpPhase
from shared.domain.status import JobStatus
from tests.unit.bench.builder import Story


def scheduled() -> Story:
    """A job that should have been sent at 0 s, was sent at 3 s and answered at 3.5 s."""
    story = Story().submit("a", at=3.0, intended=0.0, took=0.5)
    return story.denoise("a", "a-1", at=4).settled("a", 16.0).final("a")


def test_accept_and_end_to_end_include_the_time_that_the_client_was_late() -> None:
    cell = scheduled().cell()
    assert cell.accept_latency_s.samples == [pytest.approx(3.5)]
    assert cell.end_to_end_s.samples == [pytest.approx(16.0)]
    assert cell.schedule_lag_s.samples == [pytest.approx(3.0)]


def test_a_client_without_a_schedule_has_no_lag() -> None:
    cell = Story().healthy("a", 5.0).cell()
    assert cell.accept_latency_s.samples == [pytest.approx(0.1)]
    assert cell.schedule_lag_s.samples == []


def test_a_client_that_was_early_keeps_its_negative_lag() -> None:
    cell = Story().submit("a", at=1.0, intended=2.0).cell()
    assert cell.schedule_lag_s.samples == [pytest.approx(-1.0)]


def test_refused_and_unanswered_submits_have_no_accept_latency() -> None:
    story = Story().submit(None, outcome=OpPhase.FAIL).submit(None, outcome=OpPhase.INFO)
    assert story.cell().accept_latency_s.samples == []


def test_a_job_that_never_ended_is_censored() -> None:
    story = scheduled().submit("b").final("b", JobStatus.RUNNING, held=True)
    assert story.cell().end_to_end_s.censored == 1


def test_a_repeat_after_the_end_does_not_move_the_end() -> None:
    cell = scheduled().denoise("a", "a-2", at=60).cell()
    assert cell.end_to_end_s.samples == [pytest.approx(16.0)]
