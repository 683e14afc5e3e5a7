"""The faults' facts, and the list of them."""

import json

import pytest
from rich.console import Console

from bench.arms.engines import ENGINES
from bench.faults.registry import FAULTS, NO_FAULT, exposed
from bench.verbs.chaos import list_verb


@pytest.mark.parametrize("name", FAULTS)
def test_every_fault_says_what_it_strikes_when_and_what_heals_it(name: str) -> None:
    facts = FAULTS[name].facts
    assert facts.name == name
    assert all([facts.title, facts.role, facts.moment, facts.heals_by])
    assert 0 < facts.at[0] <= facts.at[1] < 1


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_exists_on_an_engine_or_says_why_it_cannot(name: str) -> None:
    facts = FAULTS[name].facts
    assert {*facts.engines, *facts.absent} == set(ENGINES)
    assert all(facts.absent.values())


def test_a_child_can_be_killed_only_where_there_is_one() -> None:
    assert exposed("celery", "child-sigkill")
    assert not exposed("temporal", "child-sigkill")
    assert all(exposed(engine, NO_FAULT) for engine in ENGINES)


def test_the_list_for_machines_has_every_fault(capsys: pytest.CaptureFixture[str]) -> None:
    assert list_verb(Console(stderr=True), as_json=True) == 0
    listed = json.loads(capsys.readouterr().out)["faults"]
    wanted = {"name", "role", "moment", "heals_by", "engines"}
    assert all(wanted <= set(fault) for fault in listed)
    assert set(FAULTS) <= {fault["name"] for fault in listed}
