"""Every fault has its expectation on every arm, and a cell that differs is told how."""

from dataclasses import replace

import pytest

from bench.arms.engines import profiles_of
from bench.arms.topology import Arm
from bench.checkers.expectations import as_documented, documented
from bench.faults.expectations import Extent, Measure, expectation_of, expectations
from bench.faults.registry import FAULTS
from bench.record.history import FaultPhase
from bench.record.metrics import CellMetrics, Rate
from tests.unit.bench.builder import Story

ARMS = [Arm(engine, name) for engine in ("celery", "temporal") for name in profiles_of(engine)]


@pytest.mark.parametrize("fault", FAULTS)
def test_an_expectation_exists_for_every_fault_on_every_arm_that_it_exists_on(fault: str) -> None:
    exposed = [arm.name for arm in ARMS if arm.engine in FAULTS[fault].facts.engines]
    assert [name for name in exposed if expectation_of(fault, name) is None] == []


def test_an_expectation_is_of_a_fault_and_an_arm_that_exist() -> None:
    assert {fault for fault, _ in expectations()} <= set(FAULTS)
    assert {arm for _, arm in expectations()} <= {arm.name for arm in ARMS}


def test_every_expectation_has_its_promise_its_source_and_something_to_check() -> None:
    assert all(each.promise and each.source and each.expect for each in expectations().values())


def test_no_hardened_arm_may_lose_a_job_or_apply_an_effect_twice() -> None:
    for (fault, arm), each in expectations().items():
        assert each.expect[Measure.DUPLICATE_EFFECTS] is Extent.NONE, (fault, arm)
        if arm.endswith("/hardened"):
            assert each.expect.get(Measure.LOST, Extent.NONE) is Extent.NONE, (fault, arm)


def _killed(jobs: int, **changes: object) -> CellMetrics:
    story = Story(fault="sigkill", trials=jobs, **changes)
    for number in range(jobs):
        story.killed(f"job-{number}", at=100.0 * number)
    return story.cell()


def test_a_cell_that_came_out_as_promised_agrees() -> None:
    compared = documented(_killed(3))
    assert compared is not None
    assert compared.agrees


def test_a_cell_that_came_out_otherwise_says_how() -> None:
    compared = documented(_killed(3, arm="celery/stock", profile="stock"))
    assert compared is not None
    assert compared.differences == [
        "lost: each expected, 0 of 3 seen",
        "started again: none expected, 3 of 3 seen",
    ]


def test_an_effect_that_was_applied_twice_differs() -> None:
    compared = documented(replace(_killed(1), duplicate_effects=2))
    assert compared is not None
    assert compared.differences == ["duplicate effects: none expected, 2 seen"]


def test_a_step_that_finished_all_the_same_had_nothing_to_lose() -> None:
    story = Story(fault="sigterm", trials=1, arm="celery/stock", profile="stock")
    story.healthy("job").fault("trial", "job", "job-1", 5.0, kind="sigterm")
    compared = documented(story.cell())
    assert compared is not None
    assert compared.agrees


def test_a_twin_is_held_to_what_its_arm_is() -> None:
    assert documented(replace(_killed(1), arm="celery/hardened-twin")) is not None


def test_of_a_cell_without_a_confirmed_fault_nothing_is_said() -> None:
    story = Story(fault="sigkill", trials=1).healthy("job")
    story.fault("trial", "job", "job-1", 5.0, phases=(FaultPhase.INJECTED, FaultPhase.MISSED))
    found = story.cell().documented
    assert found is not None
    assert (found.seen, found.comparisons) == (False, [])
    assert as_documented([story.cell()]) == Rate(0, 0, None)
