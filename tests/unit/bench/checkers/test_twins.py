"""An arm beside itself: a difference between the two is found, chance is not taken for one."""

import pytest

from bench.checkers import measure as measure_module
from bench.record.metrics import Check, Metrics, Verdict
from tests.unit.bench.builder import ARM, CELL, Story, cell_info
from tests.unit.bench.twins import FEW, TWIN, Twins


def test_equal_twins_are_alike() -> None:
    twins = Twins().kills(CELL, after=5.0).kills(TWIN, after=5.0)
    assert twins.alike.verdict is Verdict.VALID
    assert twins.metrics().verdict is Verdict.VALID


def test_twins_that_differ_by_chance_are_alike() -> None:
    twins = Twins().kills(CELL, after=5.0, lost=3).kills(TWIN, after=5.05, lost=5)
    assert twins.alike.verdict is Verdict.VALID


def test_twins_of_which_one_loses_more_make_the_run_unknown() -> None:
    twins = Twins().kills(CELL, after=5.0).kills(TWIN, after=5.0, lost=10)
    check = twins.alike
    assert check.verdict is Verdict.UNKNOWN
    assert check.detail.startswith("the twins differ: lost 0 of 20 and 10 of 20 (p = 0.0004")
    assert twins.metrics().verdict is Verdict.UNKNOWN


@pytest.mark.parametrize("after", [4.0, 6.0])
def test_twins_of_which_one_recovers_sooner_make_the_run_unknown(after: float) -> None:
    twins = Twins().kills(CELL, after=5.0).kills(TWIN, after=after)
    assert twins.alike.verdict is Verdict.UNKNOWN
    assert "the twins differ" in twins.alike.detail
    assert "difference of the recovery medians" in twins.alike.detail
    assert twins.metrics().verdict is Verdict.UNKNOWN


def test_too_few_faults_tell_nothing() -> None:
    twins = Twins(3).kills(CELL, after=5.0, of=3).kills(TWIN, after=5.0, lost=3, of=3)
    assert twins.alike.verdict is Verdict.UNKNOWN
    assert "too few faults to tell" in twins.alike.detail


def test_a_cell_of_few_faults_is_forgiven_beside_one_of_many() -> None:
    twins = Twins().kills(CELL, after=5.0).kills(TWIN, after=5.0).few()
    assert "too few faults to tell" in twins.alike_in(FEW).detail
    assert twins.metrics().verdict is Verdict.VALID


def test_few_faults_do_not_excuse_twins_that_differ_elsewhere() -> None:
    twins = Twins().kills(CELL, after=5.0).kills(TWIN, after=5.0, lost=10).few()
    assert twins.alike.verdict is Verdict.UNKNOWN
    assert twins.metrics().verdict is Verdict.UNKNOWN


def test_a_twin_is_no_arm_of_the_comparison_and_has_no_part_in_the_answer() -> None:
    both = Twins().kills(CELL, after=5.0).kills(TWIN, after=5.0, lost=10).metrics()
    alone = Story(fault="sigkill", trials=20)
    alone.history = Twins().kills(CELL, after=5.0).history
    assert [cell.id for cell in both.cells] == [CELL]
    assert both.answer == alone.metrics().answer
    assert [(pair.of, pair.twin.id) for pair in both.twins] == [(CELL, TWIN)]


def test_what_a_twin_breaks_counts_against_the_run() -> None:
    twins = Twins(demands=["no_loss"]).kills(CELL, after=5.0).kills(TWIN, after=5.0, lost=1)
    metrics = twins.metrics()
    assert twins.alike.verdict is Verdict.VALID
    assert metrics.verdict is Verdict.INVALID
    assert _own(metrics).detail == "no loss: 1 lost, 0 unrecovered"


def test_a_pair_without_faults_is_judged_by_its_own_checks_alone() -> None:
    story = Story(cell_info(), cell_info(id=TWIN, arm=f"{ARM}-twin", twin_of=CELL))
    metrics = story.healthy("a").healthy("b", cell=TWIN).metrics()
    [pair] = metrics.twins
    assert [check.name for check in pair.checks] == ["twin's own checks"]
    assert metrics.verdict is Verdict.VALID


def test_a_comparison_that_crashes_makes_the_run_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    def crash(*_: object) -> None:
        raise ZeroDivisionError("planted")

    monkeypatch.setattr(measure_module, "measure_twins", crash)
    metrics = Twins().kills(CELL, after=5.0).kills(TWIN, after=5.0).metrics()
    assert (metrics.twins, metrics.verdict) == ([], Verdict.UNKNOWN)


def _own(metrics: Metrics) -> Check:
    return next(check for check in metrics.twins[0].checks if check.name == "twin's own checks")
