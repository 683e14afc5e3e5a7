"""Where each second of a recovery comes from."""

import pytest

from bench.record.history import MODEL_LOADED
from bench.record.terms import Term
from shared.domain.detection import Clock
from shared.domain.jobs import Bound
from shared.domain.status import RecordKind
from tests.unit.bench.builder import Story

KILLED_AT = 6.0
"""The step had begun at 0 s, and its last sign of life was at 6 s: five of ten done."""


def killed(
    clock: Clock | None, clock_s: float | None, *, backoff_s: float = 0.0, lag_s: float = 0.0
) -> Story:
    parts = {"backoff_s": backoff_s} if backoff_s else {}
    story = Story(
        fault="sigkill",
        trials=1,
        clock=clock,
        clock_s=clock_s,
        clock_lag_s=lag_s,
        predicted=Bound(30.0, parts, ""),
    )
    for number in range(2):
        story.process(f"gpu-{number}", "start", -5.0, 100 + number)
        story.process(f"gpu-{number}", MODEL_LOADED, -1.0, 100 + number)
    story.submit("a").denoise("a", "a-1", at=0, done=(0, 5), ends=None)
    return story.fault("t", "a", "a-1", KILLED_AT).process("gpu-0", "exit", KILLED_AT, 100)


def terms(story: Story, *, handed_out: float, works: float | None = None) -> dict[Term, float]:
    at_work = handed_out if works is None else works
    story.attempt(
        "a",
        "a-2",
        at=handed_out,
        working=at_work,
        progress=[(at_work + 1, 10)],
        ends=(RecordKind.FINISHED, at_work + 2),
        worker="gpu-1",
        pid=101,
    )
    [trial] = story.settled("a", at_work + 3).final("a").cell().trial_list
    assert sum(trial.terms.values()) == pytest.approx(trial.recovery_s)
    assert trial.handed_out_s == pytest.approx(handed_out - KILLED_AT)
    assert trial.recovery_s == pytest.approx(at_work - KILLED_AT)
    return {term: seconds for term, seconds in trial.terms.items() if seconds}


def test_a_clock_that_runs_from_the_delivery_has_run_when_the_kill_falls() -> None:
    story = killed(Clock.DELIVERY, 9.0)
    assert terms(story, handed_out=9.5) == {
        Term.CLOCK: pytest.approx(3.0),
        Term.HANDING_OUT: pytest.approx(0.5),
    }


def test_a_clock_that_runs_from_the_last_sign_of_life_begins_anew() -> None:
    story = killed(Clock.PROGRESS, 4.0, backoff_s=1.0)
    assert terms(story, handed_out=11.3) == {
        Term.CLOCK: pytest.approx(4.0),
        Term.HANDING_OUT: pytest.approx(1.3),
    }


def test_a_sign_of_life_that_is_sent_seldom_is_older_than_the_last_progress() -> None:
    """Sent at 0 s and at 4 s: at the kill, at 6 s, two of four seconds have run."""
    story = killed(Clock.PROGRESS, 4.0, backoff_s=1.0, lag_s=4.0)
    assert terms(story, handed_out=9.3) == {
        Term.CLOCK: pytest.approx(2.0),
        Term.HANDING_OUT: pytest.approx(1.3),
    }


def test_what_waits_for_the_dead_attempts_lease_is_handed_out_and_does_not_work_yet() -> None:
    story = killed(Clock.DELIVERY, 7.0)
    assert terms(story, handed_out=7.5, works=9.0) == {
        Term.CLOCK: pytest.approx(1.0),
        Term.HANDING_OUT: pytest.approx(0.5),
        Term.LEASE: pytest.approx(1.5),
    }


def test_a_step_that_finds_all_workers_busy_waits_in_the_queue() -> None:
    story = killed(Clock.DELIVERY, 9.0).process("gpu-0", MODEL_LOADED, 8.0, 102)
    for worker, until in (("gpu-0", 20.0), ("gpu-1", 13.0)):
        story.attempt(
            f"b-{worker}",
            f"b-{worker}-1",
            at=8.5,
            working=8.5,
            ends=(RecordKind.FINISHED, until),
            worker=worker,
            pid=102,
        ).submit(f"b-{worker}")
    assert terms(story, handed_out=13.2) == {
        Term.CLOCK: pytest.approx(3.0),
        Term.QUEUE: pytest.approx(4.0),
        Term.HANDING_OUT: pytest.approx(0.2),
    }


def test_a_step_that_finds_one_worker_busy_and_the_other_dead_waits_for_its_start() -> None:
    story = killed(Clock.DELIVERY, 7.0).submit("b")
    story.attempt(
        "b", "b-1", at=5.0, working=5.0, ends=(RecordKind.FINISHED, 10.0), worker="gpu-1", pid=101
    )
    assert terms(story, handed_out=10.1) == {
        Term.CLOCK: pytest.approx(1.0),
        Term.START: pytest.approx(3.0),
        Term.HANDING_OUT: pytest.approx(0.1),
    }


def test_nobody_waits_for_a_worker_before_the_backoff_is_over() -> None:
    story = killed(Clock.PROGRESS, 1.0, backoff_s=3.0).submit("b")
    story.attempt(
        "b", "b-1", at=5.0, working=5.0, ends=(RecordKind.FINISHED, 9.5), worker="gpu-1", pid=101
    )
    assert terms(story, handed_out=10.0) == {
        Term.CLOCK: pytest.approx(1.0),
        Term.HANDING_OUT: pytest.approx(3.0),
    }


def test_a_step_that_comes_before_its_clock_has_run_out_waited_for_it_alone() -> None:
    assert terms(killed(Clock.DELIVERY, 60.0), handed_out=8.0) == {Term.CLOCK: pytest.approx(2.0)}


@pytest.mark.parametrize(("clock", "clock_s"), [(None, None), (Clock.RENEWAL, 5.0)])
def test_a_clock_that_the_history_does_not_show_is_the_engines_time(
    clock: Clock | None, clock_s: float | None
) -> None:
    assert terms(killed(clock, clock_s), handed_out=9.0) == {Term.HANDING_OUT: pytest.approx(3.0)}


def test_the_means_of_the_terms_add_up_to_the_mean_recovery() -> None:
    story = killed(Clock.DELIVERY, 9.0)
    terms(story, handed_out=9.5, works=10.0)
    cell = story.cell()
    assert sum(cell.terms_s.values()) == pytest.approx(4.0)
    assert cell.handed_out_s.samples == [pytest.approx(3.5)]


def test_a_fault_that_no_clock_notices_is_said_to_have_waited_for_none() -> None:
    """The parent of a killed child hands it out again; no visibility timeout has to run out."""
    story = Story(fault="child-sigkill", trials=1, clock=Clock.DELIVERY, clock_s=9.0)
    story.submit("a").denoise("a", "a-1", at=0, done=(0, 5), ends=None)
    story.fault("t", "a", "a-1", KILLED_AT, kind="child-sigkill")
    assert terms(story, handed_out=7.5, works=9.0) == {
        Term.HANDING_OUT: pytest.approx(1.5),
        Term.LEASE: pytest.approx(1.5),
    }
    said = story.cell().terms_said
    assert said.endswith("= 1.5 s until it was handed out + 1.5 s for the dead attempt's lease.")
