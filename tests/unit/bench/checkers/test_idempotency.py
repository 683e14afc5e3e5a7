"""What is counted in idempotency experiments, each count with its planted violation."""

from dataclasses import replace

import pytest

from bench.record.history import History
from bench.record.metrics import Verdict
from shared.domain.status import JobStatus, RecordKind
from tests.unit.bench.builder import cell_info
from tests.unit.bench.experiments import (
    CAPTURE,
    COMMITTED,
    KILLED,
    UNANSWERED,
    ZOMBIE,
    Experiments,
    experiment,
)


def test_a_kill_that_the_guard_and_the_key_survive_is_clean_and_confirmed() -> None:
    entry = Experiments(KILLED).killed().entry
    assert (entry.trials, entry.faults_confirmed, entry.jobs, entry.completed) == (1, 1, 1, 1)
    assert (entry.re_executions, entry.duplicate_executions) == (1, 0)
    assert (entry.duplicate_effects, entry.suppressed_effects) == (0, 1)
    assert (entry.phantoms, entry.lost, entry.unrecovered) == (0, 0, 0)
    assert entry.verdict is Verdict.VALID


def test_an_effect_applied_again_is_counted_and_breaks_the_promise_of_fenced() -> None:
    story = Experiments(KILLED).killed()
    story.effect("a", CAPTURE, 6, key="another")
    assert story.entry.duplicate_effects == 1
    assert story.verdict_on("no duplicate effects").verdict is Verdict.INVALID
    assert story.metrics().verdict is Verdict.INVALID


def test_a_step_finished_twice_is_counted_and_breaks_the_promise_of_fenced() -> None:
    story = Experiments(KILLED).killed()
    story.capture("a", "a-3", 8, RecordKind.FINISHED, pid=101)
    assert story.entry.duplicate_executions == 1
    assert story.verdict_on("no duplicate executions").verdict is Verdict.INVALID


def test_a_weaker_mode_may_repeat_and_its_numbers_are_shown() -> None:
    weak = replace(KILLED, mode="none", demands=[])
    story = Experiments(weak).killed(info=weak)
    story.effect("a", CAPTURE, 6, key="another")
    story.capture("a", "a-3", 8, RecordKind.FINISHED, pid=101)
    assert (story.entry.duplicate_executions, story.entry.duplicate_effects) == (1, 1)
    assert story.entry.verdict is Verdict.VALID


def test_a_success_without_its_effect_is_a_phantom() -> None:
    story = Experiments(KILLED).killed()
    story.history.effects = [e for e in story.history.effects if e.effect != "notify_user"]
    assert (story.entry.phantoms, story.entry.completed) == (1, 0)
    assert story.verdict_on("no phantoms").verdict is Verdict.INVALID


@pytest.mark.parametrize(("held", "place"), [(False, "lost"), (True, "unrecovered")])
def test_a_job_that_never_ends_is_lost_or_unrecovered(held: bool, place: str) -> None:
    story = Experiments(KILLED).killed()
    story.history.finals.clear()
    story.final("a", JobStatus.RUNNING, held=held, cell=KILLED.id)
    assert getattr(story.entry, place) == 1
    assert story.verdict_on("no loss").verdict is Verdict.INVALID


def _unconfirmed(story: Experiments) -> bool:
    entry = story.entry
    return (entry.faults_confirmed, entry.verdict) == (0, Verdict.UNKNOWN)


def test_a_kill_without_its_crash_point_is_not_confirmed() -> None:
    story = Experiments(KILLED).killed()
    story.history.attempts = [
        r for r in story.history.attempts if r.kind is not RecordKind.CRASH_POINT
    ]
    assert _unconfirmed(story)


def test_a_crash_point_of_another_experiment_confirms_nothing() -> None:
    assert _unconfirmed(Experiments(KILLED).killed(info=replace(KILLED, crash_point="kill@x:y")))


def test_a_kill_that_the_worker_survived_is_not_confirmed() -> None:
    story = Experiments(KILLED).killed()
    story.history.processes.clear()
    assert _unconfirmed(story)
    assert _unconfirmed(story.exit(1.4, detail="0"))


def test_a_killed_attempt_that_went_on_was_not_killed_there() -> None:
    story = Experiments(KILLED).killed()
    story.attempt("a", "a-1", at=1.35, step=CAPTURE, ends=(RecordKind.FAILED, 1.36), worker="cpu-0")
    assert _unconfirmed(story)


def test_after_the_commit_the_record_of_the_end_is_the_last_word() -> None:
    story = Experiments(COMMITTED)
    story.crash("a", "a-1", 1.3, info=COMMITTED).exit(1.6)
    story.capture("a", "a-1", 1, RecordKind.FINISHED).effect("a", CAPTURE, 1.2)
    story.attempt("a", "a-2", at=5, step=CAPTURE, ends=(RecordKind.REPLAYED, 5.1), pid=101)
    story.ends_well("a", COMMITTED)
    assert (story.entry.faults_confirmed, story.entry.duplicate_executions) == (1, 0)


def test_a_zombie_that_the_fence_stops_is_clean_and_confirmed() -> None:
    entry = Experiments(ZOMBIE).zombie().entry
    assert (entry.faults_confirmed, entry.completed, entry.verdict) == (1, 1, Verdict.VALID)
    assert (entry.duplicate_executions, entry.duplicate_effects) == (0, 0)


def test_a_worker_that_slept_less_than_its_lease_was_no_zombie() -> None:
    assert _unconfirmed(Experiments(ZOMBIE).zombie(woken=3.5))


def test_a_worker_that_woke_before_it_had_a_successor_was_no_zombie() -> None:
    assert _unconfirmed(Experiments(ZOMBIE).zombie(woken=4.5))


def test_a_worker_that_stirred_in_its_sleep_was_not_frozen() -> None:
    story = Experiments(ZOMBIE).zombie()
    story.attempt("a", "a-3", at=2.0, step="notify_user", worker="cpu-0", pid=100)
    assert _unconfirmed(story)


def test_a_worker_that_nobody_continued_is_not_confirmed() -> None:
    story = Experiments(ZOMBIE).zombie()
    story.history.faults.clear()
    assert _unconfirmed(story)


def test_a_dropped_reply_is_confirmed_by_the_receiver() -> None:
    story = Experiments(UNANSWERED)
    story.capture("a", "a-1", 1, RecordKind.FAILED).effect("a", CAPTURE, 1.2)
    story.capture("a", "a-2", 3, RecordKind.FINISHED).effect("a", CAPTURE, 3.2, applied=False)
    story.ends_well("a", UNANSWERED)
    assert _unconfirmed(story)
    story.history.effects[0] = replace(story.history.effects[0], unanswered=True)
    assert (story.entry.faults_confirmed, story.entry.suppressed_effects) == (1, 1)


def test_each_experiment_counts_its_own_jobs() -> None:
    story = Experiments(KILLED, ZOMBIE).killed("a").zombie("b")
    story.effect("b", CAPTURE, 9, key="another")
    assert [entry.duplicate_effects for entry in story.metrics().idempotency] == [0, 1]


def test_experiments_leave_the_cells_of_a_run_untouched() -> None:
    story = Experiments(KILLED).killed()
    story.cells = [cell_info()]
    story.healthy("h")
    mixed = story.metrics()
    story.infos = []
    assert mixed.cells == story.metrics().cells
    assert story.metrics().idempotency == []
    assert len(mixed.idempotency) == 1


def test_a_history_that_cannot_be_sorted_leaves_every_entry_unknown() -> None:
    story = Experiments(KILLED, ZOMBIE)
    story.history = History(ops=None)  # type: ignore[arg-type]
    metrics = story.metrics()
    assert [entry.verdict for entry in metrics.idempotency] == [Verdict.UNKNOWN] * 2
    assert metrics.verdict is Verdict.UNKNOWN


def test_an_experiment_in_which_nothing_ran_is_not_valid() -> None:
    story = Experiments(experiment("killed_mid_work", "kill@mid_work:generate_image"))
    assert story.metrics().verdict is Verdict.UNKNOWN
