"""What a cell is held to decides the verdict; the rest is a number."""

import pytest

from bench.record.history import MODEL_LOADED
from bench.record.metrics import Verdict
from shared.domain.jobs import Bound
from shared.domain.status import JobStatus
from tests.unit.bench.builder import Story

NEVER = Bound(None, {}, "early ack")


def losing(*demands: str, bound: Bound = NEVER) -> Story:
    """One killed job that is never started again, among healthy ones."""
    story = Story(fault="sigkill", trials=1, demands=list(demands), predicted=bound).healthy("h")
    story.submit("a").denoise("a", "a-1", at=0, done=(0, 5), ends=None, worker="gpu-9", pid=9)
    story.fault("t", "a", "a-1", 6.0, worker="gpu-9", pid=9)
    return story.final("a", JobStatus.RUNNING, held=False)


def test_a_cell_that_loses_jobs_and_may_is_valid() -> None:
    assert losing().cell().verdict is Verdict.VALID


def test_a_cell_that_loses_jobs_and_may_not_is_invalid() -> None:
    assert losing("no_loss").check("no loss").verdict is Verdict.INVALID


def test_unrecovered_jobs_break_no_loss_as_well() -> None:
    story = Story(demands=["no_loss"]).healthy("h").submit("a")
    story.final("a", JobStatus.RUNNING, held=True)
    assert story.check("no loss").verdict is Verdict.INVALID


def test_a_stuck_job_is_counted_and_a_busy_machine_does_not_excuse_it() -> None:
    story = Story(demands=["no_loss"]).healthy("h").submit("a")
    story.final("a", JobStatus.RUNNING, held=True, stuck=True)
    story.submit("b").final("b", JobStatus.RUNNING, held=True)
    check = story.machine(busy=1.0, from_s=0, to_s=100, stretch=99.0).check("no loss")
    assert (check.verdict, check.detail) == (
        Verdict.INVALID,
        "0 lost, 2 unrecovered, 1 of them stuck",
    )
    assert story.cell().stuck == 1


def test_a_duplicate_effect_breaks_only_a_demand() -> None:
    def story(*demands: str) -> Story:
        return Story(demands=list(demands)).healthy("a").effect("a", "notify_user", 30)

    assert story("no_duplicate_effects").cell().verdict is Verdict.INVALID
    assert story().cell().verdict is Verdict.VALID


def test_a_phantom_breaks_only_a_demand() -> None:
    def story(*demands: str) -> Story:
        phantom = Story(demands=list(demands)).healthy("h").submit("a").settled("a", 1)
        return phantom.final("a", readable=False)

    assert story("no_phantoms").cell().verdict is Verdict.INVALID
    assert story().cell().verdict is Verdict.VALID


def test_duplicate_executions_are_numbers_and_no_verdict() -> None:
    story = Story(demands=["no_loss", "no_duplicate_effects", "no_phantoms"]).healthy("a")
    cell = story.denoise("a", "a-2", at=5).cell()
    assert cell.duplicate_executions == 1
    assert cell.verdict is Verdict.VALID


@pytest.mark.parametrize(
    ("demands", "verdict"), [([], Verdict.UNKNOWN), (["faults_confirmed"], Verdict.INVALID)]
)
def test_a_fault_that_did_not_hit_is_invalid_if_demanded(
    demands: list[str], verdict: Verdict
) -> None:
    story = Story(fault="sigkill", trials=1, demands=demands).healthy("a")
    assert story.fault("t", "a", "a-1", 3.0).cell().verdict is verdict


def test_a_recovery_above_the_bound_is_invalid_and_says_by_how_much() -> None:
    story = Story(fault="sigkill", trials=1, demands=["within_bound"]).killed("a", after=10.5)
    check = story.check("recovery within bound")
    assert check.verdict is Verdict.INVALID
    assert "bound 10.0 s" in check.detail
    assert "above it: 10.5 s" in check.detail


def late(*, busy: float) -> Story:
    """A recovery half a second over its bound, on a machine that was in use this much."""
    story = Story(fault="sigkill", trials=1, demands=["within_bound"]).killed("a", after=10.5)
    return story.machine(busy=0.1, from_s=0, to_s=6).machine(busy=busy, from_s=6, to_s=16)


def test_a_recovery_above_the_bound_of_which_the_machine_had_nothing_left_is_unknown() -> None:
    check = late(busy=0.97).check("recovery within bound")
    assert check.verdict is Verdict.UNKNOWN
    assert check.detail.endswith(
        "above it: 10.5 s; the processors were at least 95% in use meanwhile"
    )


def test_a_busy_machine_that_had_something_left_excuses_nothing() -> None:
    assert late(busy=0.9).check("recovery within bound").verdict is Verdict.INVALID


def test_a_full_machine_does_not_excuse_a_recovery_that_was_late_on_an_idle_one() -> None:
    story = late(busy=0.97).killed("b", at=40.0, after=10.5).machine(busy=0.2, from_s=40, to_s=60)
    assert story.check("recovery within bound").verdict is Verdict.INVALID


def test_a_recovery_at_the_bound_is_within_it() -> None:
    story = Story(fault="sigkill", trials=1, demands=["within_bound"]).killed("a", after=10.0)
    assert story.check("recovery within bound").verdict is Verdict.VALID


def test_a_recovery_above_a_bound_that_nobody_demands_is_a_finding() -> None:
    check = Story(fault="sigkill", trials=1).killed("a", after=10.5).check("recovery within bound")
    assert check.verdict is Verdict.VALID
    assert check.detail.startswith("a finding")


def test_a_bound_that_passes_without_a_recovery_is_broken() -> None:
    story = losing("within_bound", bound=Bound(20.0, {}, ""))
    check = story.check("recovery within bound")
    assert check.verdict is Verdict.INVALID
    assert "without a recovery in t" in check.detail


def test_a_bound_that_had_not_passed_when_the_job_was_judged_is_not_broken() -> None:
    story = losing("within_bound", bound=Bound(200.0, {}, ""))
    assert story.check("recovery within bound").verdict is Verdict.VALID


def test_where_no_recovery_is_predicted_none_is_missed() -> None:
    check = losing("within_bound").check("recovery within bound")
    assert check.verdict is Verdict.VALID
    assert "early ack" in check.detail


def test_a_demand_that_does_not_exist_is_unknown() -> None:
    assert Story(demands=["no_lose"]).healthy("a").cell().verdict is Verdict.UNKNOWN


def behind_others(*, busy: bool) -> Verdict:
    """A step that is offered again at once, and begins 40 s later on the only worker."""
    bound = Bound(2.0, {"pool_s": 1.0, "slot_wait_s": 1.0}, "behind others")
    story = Story(fault="sigkill", trials=1, demands=["within_bound"], predicted=bound)
    story.submit("a").denoise("a", "a-1", at=0, done=(0, 5), ends=None).fault("t", "a", "a-1", 6.0)
    story.process("gpu-0", "start", 0.0, 100).process("gpu-0", "exit", 6.0, 100)
    story.process("gpu-0", "start", 6.2, 101).process("gpu-0", MODEL_LOADED, 6.5, 101)
    if busy:
        story.submit("b").denoise("b", "b-1", at=6.5, done=(0, 37), pid=101)
        story.settled("b", 46).final("b")
    story.denoise("a", "a-2", at=46, pid=101)
    return story.settled("a", 60).final("a").check(BOUND).verdict


BOUND = "recovery within bound"


def test_waiting_behind_others_breaks_no_bound_and_waiting_beside_a_free_worker_does() -> None:
    assert behind_others(busy=True) is Verdict.VALID
    assert behind_others(busy=False) is Verdict.INVALID


def late_behind_a_restart(away_s: float, *, struck: bool) -> bool:
    """A step is offered at 7 s; the other worker is busy until 46 s, its own away from 20 s on.

    The worker is away for so long after the fault of another trial, or after nobody's. Whether the
    step that was offered at 7 s is above its bound.
    """
    bound = Bound(2.0, {"pool_s": 1.0, "slot_wait_s": 1.0}, "behind others")
    story = Story(fault="sigkill", trials=1 + struck, demands=["within_bound"], predicted=bound)
    story.submit("a").denoise("a", "a-1", at=0, done=(0, 5), ends=None).fault("t", "a", "a-1", 6.0)
    story.process("gpu-0", "start", 0.0, 100).process("gpu-0", "exit", 6.0, 100)
    story.process("gpu-0", "start", 6.2, 101).process("gpu-0", MODEL_LOADED, 6.5, 101)
    story.process("gpu-0", "exit", 20.0, 101).process("gpu-0", "start", 20.2, 102)
    story.process("gpu-0", MODEL_LOADED, 20.0 + away_s, 102)
    # What is before and after it in that place; the second is what the other trial strikes.
    story.submit("b").denoise("b", "b-1", at=6.5, done=(0, 5), ends=None, pid=101)
    if struck:
        story.fault("u", "b", "b-1", 20.0, pid=101)
    story.denoise("b", "b-2", at=20.0 + away_s, done=(0, 10), pid=102)
    story.settled("b", 45).final("b")
    story.submit("c").denoise("c", "c-1", at=0.0, done=(0, 44), worker="gpu-1", pid=200)
    story.process("gpu-1", "start", 0.0, 200).process("gpu-1", MODEL_LOADED, 0.1, 200)
    story.settled("c", 47).final("c")
    story.denoise("a", "a-2", at=20.0 + away_s + 12.1, pid=102)
    detail = story.settled("a", 70).final("a").check(BOUND).detail
    return f"{26.1 + away_s:.1f} s" in detail.partition("above it")[2]


def test_a_worker_that_another_fault_took_away_meanwhile_breaks_no_bound() -> None:
    assert not late_behind_a_restart(3.0, struck=True)


def test_a_worker_that_stays_away_or_that_nobody_struck_is_no_excuse() -> None:
    assert late_behind_a_restart(13.0, struck=True)
    assert late_behind_a_restart(3.0, struck=False)
