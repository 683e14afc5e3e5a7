"""Which arms of a stage run side by side on a machine that carries so many."""

import pytest

from bench.arms.fitness import Fitness
from bench.scenario.file import load_scenario
from bench.scenario.model import Stage
from bench.trials.at_once import blocks, in_turn

STAGE: Stage = load_scenario("compare")[0].stages[0]


def machine(free_cores: float, import_s: float = 1.0) -> Fitness:
    return Fitness(cores=8, free_cores=free_cores, import_s=import_s, fsync_s=0.001)


def names(free_cores: float, import_s: float = 1.0) -> list[list[str]]:
    chosen = blocks(STAGE, machine(free_cores, import_s))
    return [[arm.name for arm in block] for block in chosen.arms]


def test_where_there_is_room_all_arms_run_at_once() -> None:
    assert names(2.0) == [STAGE.arms]


def test_on_a_busy_machine_the_same_profile_of_both_engines_runs_side_by_side() -> None:
    assert names(0.6) == [
        ["celery/stock", "temporal/stock"],
        ["celery/tuned", "temporal/tuned"],
        ["celery/hardened", "temporal/hardened"],
        ["temporal/standalone"],
    ]


def test_a_slow_machine_carries_fewer() -> None:
    assert len(names(2.0, import_s=4.0)) > len(names(2.0))


@pytest.mark.parametrize("free_cores", [0.0, 0.1])
def test_with_next_to_nothing_left_they_run_one_by_one(free_cores: float) -> None:
    assert names(free_cores) == [[name] for name in sorted(STAGE.arms, key=_by_profile)]


def _by_profile(name: str) -> int:
    profiles = list(dict.fromkeys(each.partition("/")[2] for each in STAGE.arms))
    return profiles.index(name.partition("/")[2])


@pytest.mark.parametrize("at_once", [1, 2, 3, 4, 5, 6, 7, 8])
def test_every_arm_runs_once_and_never_more_at_a_time_than_asked_for(at_once: int) -> None:
    chosen = blocks(STAGE, machine(0.0), at_once).arms
    assert sorted(arm.name for block in chosen for arm in block) == sorted(STAGE.arms)
    assert max(map(len, chosen)) <= at_once


def test_a_twin_runs_beside_its_arm() -> None:
    stage = STAGE.model_copy(
        update={
            "arms": ["celery/hardened", "temporal/hardened"],
            "twins": ["celery/hardened", "temporal/hardened"],
        }
    )
    chosen = blocks(stage, machine(0.6)).arms
    assert [[arm.name for arm in block] for block in chosen] == [
        ["celery/hardened", "celery/hardened-twin"],
        ["temporal/hardened", "temporal/hardened-twin"],
    ]


def test_what_was_chosen_is_said_with_its_reason() -> None:
    chosen = blocks(STAGE.only(STAGE.parsed_arms[1:4]), machine(0.3))
    assert str(chosen) == (
        "celery/tuned; in turn with celery/hardened; in turn with temporal/stock"
        " (0.3 of 8 cores are free; a worker's libraries take 1.0 s of one to import;"
        " a small write takes 1.0 ms to last)"
    )


def test_blocks_take_turns_cell_by_cell_and_nobody_is_always_first() -> None:
    assert [in_turn("ABC", cell) for cell in range(3)] == ["ABC", "CBA", "ABC"]
