"""What is said of each fault."""

import pytest

from bench.record.history import FaultPhase
from bench.record.metrics import Bucket, Trial, Verdict
from shared.domain.status import JobStatus, RecordKind
from tests.unit.bench.builder import Story, cell_info

MISSED = [FaultPhase.INJECTED, FaultPhase.MISSED]


def kill_cell() -> Story:
    """A cell with one kill to come."""
    return Story(fault="sigkill", trials=1)


def stop_cell() -> Story:
    """A cell with one SIGTERM to come."""
    return Story(fault="sigterm", trials=1)


def trial(story: Story) -> Trial:
    """The only trial."""
    [only] = story.cell().trial_list
    return only


def test_recovery_is_from_the_kill_to_the_next_attempts_first_record() -> None:
    story = kill_cell().killed("a", after=5.0)
    assert trial(story).recovery_s == pytest.approx(5.0)
    assert story.cell().recovery_s.samples == [pytest.approx(5.0)]
    assert trial(story).bucket is Bucket.COMPLETED


def test_resumption_is_when_the_lost_ground_is_made_up() -> None:
    # Killed at 6 s with 5 of 10 done; the new attempt starts at 11 s and reports 6 done at 18 s.
    assert trial(kill_cell().killed("a")).resumption_s == pytest.approx(12.0)


def test_a_checkpoint_brings_resumption_forward() -> None:
    resumed = trial(kill_cell().killed("a", resumed_from=4))
    assert (resumed.resumed_from, resumed.progress_at_fault) == (4, "5/10")
    assert resumed.resumption_s == pytest.approx(8.0)


def test_a_stored_result_makes_up_the_lost_ground_at_once() -> None:
    story = kill_cell().submit("a").denoise("a", "a-1", at=0, done=(0, 10), ends=None)
    story.fault("t", "a", "a-1", 11.5).attempt("a", "a-2", at=15, ends=(RecordKind.REPLAYED, 16))
    assert trial(story.settled("a", 17).final("a")).resumption_s == pytest.approx(4.5)


def test_an_attempt_that_waited_since_before_the_kill_recovers_when_it_goes_on() -> None:
    story = kill_cell().submit("a").denoise("a", "a-1", at=0, done=(0, 5), ends=None)
    story.fault("t", "a", "a-1", 6.0)
    story.attempt(
        "a", "a-2", at=3, working=9, progress=[(9, 0), (14, 10)], ends=(RecordKind.FINISHED, 15)
    )
    assert trial(story.settled("a", 16).final("a")).recovery_s == pytest.approx(3.0)


def test_where_the_keeper_is_killed_the_next_step_recovers_once_the_struck_one_is_over() -> None:
    story = Story(fault="workflow-worker-sigkill", trials=1).submit("a").denoise("a", "a-1", at=0)
    story.fault("t", "a", "a-1", 10.0, kind="workflow-worker-sigkill")
    story.attempt(
        "a", "a-2", at=15, working=16, ends=(RecordKind.FINISHED, 17), step="assemble", worker="cpu"
    )
    # The picture is done at 12 s.
    found = trial(story.settled("a", 17).final("a"))
    assert (found.handed_out_s, found.recovery_s) == (pytest.approx(3.0), pytest.approx(4.0))
    assert found.cut_off


def test_where_the_next_step_never_begins_its_recovery_is_censored() -> None:
    story = Story(fault="workflow-worker-sigkill", trials=1).submit("a").denoise("a", "a-1", at=0)
    story.fault("t", "a", "a-1", 10.0, kind="workflow-worker-sigkill")
    cell = story.final("a", JobStatus.RUNNING, held=True).cell()
    assert (cell.recovery_s.samples, cell.recovery_s.censored) == ([], 1)


def parked_cell() -> Story:
    """A job that is reserved at 4 s; the worker that it waits for is killed at 5 s."""
    story = Story(fault="parked-message", trials=1).submit("a")
    story.attempt(
        "a", "a-0", at=3, working=3, ends=(RecordKind.FINISHED, 4), step="reserve_credits"
    )
    return story.client_fault("t", "a", 5.0, kind="parked-message", injected=0.0)


def test_a_message_that_nobody_had_begun_recovers_when_it_begins_after_the_kill() -> None:
    story = parked_cell().denoise("a", "a-1", at=8).settled("a", 20).final("a")
    found = trial(story)
    # The step before it began after the injection, and before the kill: it is no recovery.
    assert (found.handed_out_s, found.recovery_s) == (pytest.approx(3.0), pytest.approx(3.0))
    assert found.cut_off


def test_a_parked_message_that_is_never_begun_is_censored_and_lost() -> None:
    cell = parked_cell().final("a", JobStatus.RUNNING, held=False).cell()
    assert (cell.recovery_s.samples, cell.recovery_s.censored) == ([], 1)
    assert cell.trial_list[0].bucket is Bucket.LOST


def test_a_step_that_never_starts_again_is_censored() -> None:
    story = kill_cell().submit("a").denoise("a", "a-1", at=0, done=(0, 5), ends=None)
    story.fault("t", "a", "a-1", 6.0).final("a", JobStatus.RUNNING, held=False)
    cell = story.cell()
    assert (cell.recovery_s.samples, cell.recovery_s.censored) == ([], 1)
    assert (cell.resumption_s.censored, cell.completion_penalty_s.censored) == (1, 1)
    assert (cell.lost_per_fault.hits, cell.lost_per_fault.of) == (1, 1)
    assert trial(story).observed_s == pytest.approx(94.0)


def test_the_penalty_is_against_the_control_cells_median() -> None:
    story = Story(cell_info(fault="sigkill", trials=1), cell_info(id="control"))
    for index in range(3):
        story.healthy(f"h{index}", 50.0 * index, cell="control")
    # 11.9 s without a fault; 22.9 s with one.
    story.killed("a").healthy("slow-but-unhit", 300.0)
    assert trial(story).completion_penalty_s == pytest.approx(11.0)


def test_without_a_control_cell_the_penalty_is_against_the_jobs_that_were_not_hit() -> None:
    story = kill_cell().killed("a").healthy("b", 30).healthy("c", 50)
    assert trial(story).completion_penalty_s is None
    assert trial(story.healthy("d", 70)).completion_penalty_s == pytest.approx(11.0)


def test_a_control_cell_of_another_arm_is_no_baseline() -> None:
    story = Story(cell_info(fault="sigkill", trials=1), cell_info(id="control", arm="other/stock"))
    for index in range(3):
        story.healthy(f"h{index}", 50.0 * index, cell="control")
    assert trial(story.killed("a")).completion_penalty_s is None


def test_a_missed_fault_leaves_its_trial_out_and_the_cell_unknown() -> None:
    story = kill_cell().healthy("a").fault("t", "a", "a-1", 3.0, phases=MISSED)
    assert not trial(story).confirmed
    cell = story.cell()
    assert (cell.faults_confirmed, cell.recovery_s.censored, cell.lost_per_fault.of) == (0, 0, 0)
    assert cell.verdict is Verdict.UNKNOWN


def test_a_fault_that_was_never_confirmed_is_unknown() -> None:
    story = kill_cell().healthy("a").fault("t", "a", "a-1", 3.0, phases=[FaultPhase.INJECTED])
    assert story.cell().verdict is Verdict.UNKNOWN


def test_a_kill_whose_victim_finished_did_not_hit_whatever_the_injector_says() -> None:
    story = kill_cell().healthy("a").fault("t", "a", "a-1", 3.0)
    assert not trial(story).confirmed
    assert story.check("faults hit").verdict is Verdict.UNKNOWN


def test_a_fault_on_an_attempt_that_had_ended_did_not_hit() -> None:
    story = stop_cell().healthy("a").fault("t", "a", "a-1", 30.0, kind="sigterm")
    assert not trial(story).confirmed


def test_a_fault_on_an_attempt_that_only_waited_did_not_hit() -> None:
    story = kill_cell().healthy("a").attempt("a", "a-0", at=0).fault("t", "a", "a-0", 3.0)
    assert not trial(story).confirmed


def test_a_fault_on_an_unknown_job_did_not_hit() -> None:
    story = kill_cell().healthy("a").fault("t", "nobody", "nothing", 3.0)
    assert (trial(story).confirmed, trial(story).bucket) == (False, Bucket.UNKNOWN)


def test_a_step_that_finishes_after_sigterm_has_nothing_to_recover() -> None:
    story = stop_cell().healthy("a").fault("t", "a", "a-1", 5.0, kind="sigterm")
    cell = story.cell()
    assert (cell.faults_confirmed, cell.graceful) == (1, 1)
    assert (cell.recovery_s.samples, cell.recovery_s.censored) == ([], 0)
    assert cell.verdict is Verdict.VALID


def test_a_step_given_back_at_sigterm_is_recovered() -> None:
    story = stop_cell().submit("a")
    story.denoise("a", "a-1", at=0, done=(0, 5), ends=RecordKind.FAILED)
    story.fault("t", "a", "a-1", 5.5, kind="sigterm").denoise("a", "a-2", at=8, done=(4, 10))
    assert trial(story.settled("a", 20).final("a")).recovery_s == pytest.approx(2.5)
    assert story.cell().graceful == 0


def test_every_planned_trial_must_have_happened() -> None:
    story = Story(fault="sigkill", trials=2).killed("a")
    assert story.check("faults hit").verdict is Verdict.UNKNOWN
