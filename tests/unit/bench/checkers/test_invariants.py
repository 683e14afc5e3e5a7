"""Breaches that no setting excuses."""

from dataclasses import replace

import pytest

from bench.record.history import OpPhase
from bench.record.metrics import Verdict
from shared.domain.status import JobStatus, RecordKind
from tests.unit.bench.builder import Story

FINISHED = RecordKind.FINISHED


def credits_of(story: Story) -> Verdict:
    """The verdict on the credits."""
    return story.check("credits settled once").verdict


def reserved(**changes: object) -> Story:
    """A job of three credits."""
    return Story(**changes).submit("a").effect("a", "reserve_credits", 1, 3)


@pytest.mark.parametrize(
    ("effect", "status"),
    [("capture_credits", JobStatus.SUCCEEDED), ("release_credits", JobStatus.FAILED)],
)
def test_credits_settled_in_full_are_fine(effect: str, status: str) -> None:
    assert credits_of(reserved().effect("a", effect, 2, 3).final("a", status)) is Verdict.VALID


def test_credits_both_captured_and_released_are_a_breach() -> None:
    story = reserved().effect("a", "capture_credits", 2, 3).effect("a", "release_credits", 3, 3)
    assert credits_of(story.final("a")) is Verdict.INVALID


def test_credits_captured_and_released_are_a_breach_while_the_job_is_still_open() -> None:
    story = reserved().effect("a", "capture_credits", 2, 1).effect("a", "release_credits", 3, 2)
    assert credits_of(story.final("a", JobStatus.RUNNING, held=True)) is Verdict.INVALID


def test_credits_captured_in_part_are_a_breach() -> None:
    story = reserved().effect("a", "capture_credits", 2, 1).effect("a", "notify_user", 3, None)
    assert credits_of(story.final("a")) is Verdict.INVALID


def test_more_credits_captured_than_reserved_are_a_breach_before_the_job_is_over() -> None:
    story = reserved().effect("a", "capture_credits", 2, 4)
    assert credits_of(story.final("a", JobStatus.RUNNING, held=True)) is Verdict.INVALID


def test_a_phantom_that_captured_in_part_is_a_breach_as_well() -> None:
    assert credits_of(reserved().effect("a", "capture_credits", 2, 1).final("a")) is Verdict.INVALID


def test_a_failed_job_that_keeps_its_reservation_is_a_breach_where_nothing_may_be_lost() -> None:
    story = reserved(demands=["no_loss"]).final("a", JobStatus.FAILED)
    assert credits_of(story) is Verdict.INVALID


def test_a_failed_job_that_keeps_its_reservation_is_a_finding_elsewhere() -> None:
    check = reserved().final("a", JobStatus.FAILED).check("credits settled once")
    assert check.verdict is Verdict.VALID
    assert "reserved 3, captured 0, released 0" in check.detail


def test_an_open_jobs_reservation_is_fine() -> None:
    story = reserved().final("a", JobStatus.RUNNING, held=True)
    assert credits_of(story) is Verdict.VALID


def test_a_phantoms_missing_capture_is_the_phantoms_matter() -> None:
    assert credits_of(reserved().final("a")) is Verdict.VALID


def test_a_capture_applied_twice_is_counted_as_a_duplicate_and_not_here() -> None:
    story = Story().healthy("a").effect("a", "capture_credits", 50)
    assert credits_of(story) is Verdict.VALID
    assert story.cell().duplicate_effects == 1


def test_a_rejected_job_that_ran_is_a_breach() -> None:
    story = Story().healthy("ok").submit("a", outcome=OpPhase.FAIL).denoise("a", "a-1", at=1)
    check = story.check("nothing ran after a rejection")
    assert check.verdict is Verdict.INVALID
    assert "a ran generate_image/0" in check.detail


def test_a_rejected_job_that_applied_an_effect_is_a_breach() -> None:
    story = Story().submit("a", outcome=OpPhase.FAIL).effect("a", "reserve_credits", 1)
    assert story.check("nothing ran after a rejection").verdict is Verdict.INVALID


def test_a_rejected_job_that_the_gate_stopped_did_not_run() -> None:
    story = Story().submit("a", outcome=OpPhase.FAIL)
    story.attempt("a", "a-1", at=1, working=1, ends=(RecordKind.FAILED, 1), step="reserve_credits")
    assert story.check("nothing ran after a rejection").verdict is Verdict.VALID


def cancelled() -> Story:
    """A job cancelled while it runs, its credits given back at 5 s."""
    story = reserved().client("cancel", "a", 3.0)
    story.denoise("a", "a-1", at=1, done=(0, 3), ends=RecordKind.CANCELLED)
    story.attempt("a", "a-r", at=5, working=5, ends=(FINISHED, 5), step="release_credits")
    return story.effect("a", "release_credits", 5, 3).final("a", JobStatus.CANCELLED)


def test_a_cancelled_job_that_stays_so_is_fine() -> None:
    assert cancelled().check("nothing ran after a cancel").verdict is Verdict.VALID


def test_a_step_that_was_at_work_when_the_cancel_came_may_wind_down() -> None:
    story = cancelled().attempt(
        "a", "b", at=2, working=4, ends=(FINISHED, 9), step="generate_image/1"
    )
    assert story.check("nothing ran after a cancel").verdict is Verdict.VALID


def test_an_attempt_that_starts_to_work_after_the_cancel_is_a_breach() -> None:
    story = cancelled().denoise("a", "a-2", at=20)
    check = story.check("nothing ran after a cancel")
    assert check.verdict is Verdict.INVALID
    assert "generate_image/0" in check.detail


def test_a_repeated_compensation_is_no_breach() -> None:
    story = cancelled().attempt(
        "a", "a-r2", at=20, working=20, ends=(FINISHED, 20), step="release_credits"
    )
    assert story.check("nothing ran after a cancel").verdict is Verdict.VALID


def test_an_attempt_that_a_cancel_stops_at_its_first_step_did_not_run() -> None:
    story = cancelled().denoise("a", "a-2", at=20, done=(0, 0), ends=RecordKind.CANCELLED)
    assert story.check("nothing ran after a cancel").verdict is Verdict.VALID


def test_a_status_that_only_goes_forward_is_fine() -> None:
    story = Story().healthy("a").client("follow", "a", 1, "waiting").client("follow", "a", 2)
    story.client("follow", "a", 50, "succeeded").client("follow", "a", 60, "succeeded")
    assert story.check("a terminal status stays").verdict is Verdict.VALID


def test_a_terminal_status_that_goes_back_is_a_breach() -> None:
    story = Story().healthy("a").client("follow", "a", 50, "succeeded")
    check = story.client("follow", "a", 60, "running").check("a terminal status stays")
    assert check.verdict is Verdict.INVALID
    assert "a was succeeded, then running" in check.detail


def followed(*sights: tuple[str, float, str]) -> Story:
    """A job that clients saw at these moments."""
    story = Story().healthy("a")
    for client, at, status in sights:
        story.client("follow", "a", at, status)
        story.history.ops[-1] = replace(story.history.ops[-1], op_id=client)
    return story


@pytest.mark.parametrize(
    ("sights", "verdict"),
    [
        ([("one", 50, "succeeded"), ("one", 50.1, "running")], Verdict.INVALID),
        ([("one", 50, "succeeded"), ("two", 56, "running")], Verdict.INVALID),
        ([("one", 50, "failed"), ("two", 50.1, "succeeded")], Verdict.INVALID),
        ([("one", 50, "succeeded"), ("two", 50.1, "running")], Verdict.UNKNOWN),
        (
            [("one", 50, "succeeded"), ("two", 50.1, "running"), ("two", 50.2, "succeeded")],
            Verdict.UNKNOWN,
        ),
        (
            [("one", 50, "succeeded"), ("two", 50.1, "succeeded"), ("two", 50.2, "waiting")],
            Verdict.INVALID,
        ),
        ([("one", 50, "running"), ("two", 50.1, "succeeded")], Verdict.VALID),
    ],
)
def test_a_status_goes_back_for_every_client_or_for_none(
    sights: list[tuple[str, float, str]], verdict: Verdict
) -> None:
    assert followed(*sights).check("a terminal status stays").verdict is verdict


@pytest.mark.parametrize("last", [JobStatus.FAILED, None])
def test_a_final_state_other_than_the_one_seen_is_a_breach(last: str | None) -> None:
    story = Story().submit("a").client("follow", "a", 50, "succeeded").final("a", last, held=False)
    assert story.check("a terminal status stays").verdict is Verdict.INVALID


def test_a_cell_in_which_nothing_completed_is_not_valid() -> None:
    cell = Story().submit("a").final("a", JobStatus.FAILED).cell()
    assert cell.verdict is Verdict.UNKNOWN


def test_a_long_list_of_breaches_is_cut_short() -> None:
    story = Story()
    for index in range(9):
        story.submit(f"j{index}").effect(f"j{index}", "reserve_credits", 1)
        story.final(f"j{index}", JobStatus.FAILED)
    assert story.check("credits settled once").detail.endswith("and 4 more")
