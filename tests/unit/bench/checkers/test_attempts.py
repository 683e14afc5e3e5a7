"""When an attempt ended that could not say so itself."""

from bench.checkers.attempts import Attempt
from bench.checkers.by_job import by_cell
from bench.record.history import FaultPhase
from shared.domain.status import RecordKind
from tests.unit.bench.builder import ARM, DENOISE, Story, cell_info


def attempts(story: Story, job: str = "a") -> list[Attempt]:
    """The attempts of a job's denoising, in the order of their start."""
    return by_cell(story.info().cells, story.history)[story.cells[0].id].jobs[job].steps[DENOISE]


def cut_off() -> Story:
    """An attempt of `a` on gpu-0 whose last record is at 6 s."""
    return Story().submit("a").denoise("a", "a-1", at=0, done=(0, 5), ends=None)


def test_its_own_last_word_counts_first() -> None:
    story = Story().submit("a").denoise("a", "a-1", at=0, ends=RecordKind.FAILED)
    assert attempts(story.fault("t", "a", "a-1", 3.0))[0].ended_s == 12.0


def test_a_killed_attempt_ends_with_the_kill() -> None:
    assert attempts(cut_off().fault("t", "a", "a-1", 6.4))[0].ended_s == 6.4


def test_an_attempt_that_could_not_write_its_end_is_over_when_the_disk_was_full() -> None:
    story = (
        cut_off().fault("t", "a", "a-1", 6.4, kind="disk-full").process("gpu-0", "exit", 60, 100)
    )
    assert attempts(story)[0].ended_s == 6.4


def test_a_record_that_slips_in_before_the_kill_still_counts() -> None:
    assert attempts(cut_off().fault("t", "a", "a-1", 5.9))[0].ended_s == 6.0


def test_another_attempt_of_the_killed_process_ends_with_the_same_kill() -> None:
    story = cut_off().submit("b").denoise("b", "b-1", at=0.5, done=(0, 5), ends=None)
    assert attempts(story.fault("t", "b", "b-1", 6.8), "a")[0].ended_s == 6.8


def test_a_fault_that_was_never_injected_ends_nothing() -> None:
    story = cut_off().fault("t", "a", "a-1", 6.4, phases=[FaultPhase.MISSED])
    assert attempts(story)[0].ended_s == 6.0


def test_an_attempt_ends_with_its_process() -> None:
    story = cut_off().process("other-name", "exit", 7.0, 100).process("gpu-0", "exit", 60.0, 100)
    assert attempts(story)[0].ended_s == 7.0


def test_the_exit_of_an_earlier_process_with_the_same_pid_ends_nothing() -> None:
    assert attempts(cut_off().process("gpu-0", "exit", 2.0, 100))[0].ended_s == 6.0


def test_the_exit_of_a_namesake_proves_nothing_without_a_fault() -> None:
    assert attempts(cut_off().process("gpu-0", "exit", 60.0, 999))[0].ended_s == 6.0


def test_a_prefork_child_that_was_told_to_stop_ends_with_its_worker() -> None:
    story = cut_off().fault("t", "a", "a-1", 5.5, kind="sigterm")
    story.process("gpu-0", "exit", 6.2, 98, arm="temporal/hardened")
    assert attempts(story.process("gpu-0", "exit", 8.0, 99, arm=ARM))[0].ended_s == 8.0


def test_an_attempt_that_nothing_ended_lasts_until_its_last_record() -> None:
    assert attempts(cut_off())[0].ended_s == 6.0


def test_records_may_come_in_any_order() -> None:
    story = cut_off().denoise("a", "a-2", at=9, done=(4, 10))
    story.history.attempts.reverse()
    first, second = attempts(story)
    assert (first.id, first.start_point, first.reached) == ("a-1", 0, 5)
    assert (second.id, second.start_point, second.reached) == ("a-2", 4, 10)


def test_waiting_for_the_lease_is_not_working() -> None:
    story = Story(cell_info()).submit("a").attempt("a", "a-1", at=1.0)
    assert attempts(story)[0].working_s is None
