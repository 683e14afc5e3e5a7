"""The registry has every row of the table of faults, and says who runs what."""

from bench.faults.experiments import EXPERIMENTS
from bench.faults.registry import FAULTS, LISTED
from bench.scenario.file import load_scenario, shipped

ROWS = 22


def test_names_are_unique() -> None:
    names = [facts.name for facts in LISTED]
    assert len(set(names)) == len(names)


def test_every_row_of_the_table_has_a_fault() -> None:
    assert {facts.row for facts in LISTED if facts.row} == set(range(1, ROWS + 1))


def test_what_no_cell_can_run_names_a_shipped_scenario_that_does() -> None:
    for facts in LISTED:
        assert (facts.name in FAULTS) == (not facts.run_by)
        if facts.run_by:
            assert facts.run_by.removeprefix("chaos ") in shipped()


def test_each_crash_point_is_run_by_the_scenario_that_it_names() -> None:
    points = {e.point and str(e.point): e.name for e in EXPERIMENTS.values()}
    for facts in LISTED:
        if facts.run_by:
            plan = load_scenario(facts.run_by.removeprefix("chaos "))[0].idempotency
            assert plan is not None
            assert points[None if facts.name == "reply-dropped" else facts.name] in plan.experiments
