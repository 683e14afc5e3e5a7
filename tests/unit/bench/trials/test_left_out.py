"""A run does without the arms for which the machine has no server, and says so."""

import pytest

from bench.errors import NotFit
from bench.scenario.file import load_scenario
from bench.scenario.model import Scenario
from bench.trials import left_out
from bench.trials.left_out import leave_out

ARM = "celery/rabbitmq"


@pytest.fixture(autouse=True)
def no_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CHANGEOVER_BROKER_URL", raising=False)
    monkeypatch.setattr(left_out, "why_no_rabbitmq", lambda: "no rabbitmq-server; install one")


@pytest.fixture
def scenario() -> Scenario:
    return load_scenario("rabbitmq")[0]


def test_without_a_server_the_arm_is_left_out_with_the_reason(scenario: Scenario) -> None:
    rest, absent = leave_out(scenario)
    assert [stage.arms for stage in rest.stages] == [["celery/hardened", "temporal/hardened"]]
    (stage,) = scenario.stages
    assert [cell.fault for cell in absent] == [plan.fault for plan in stage.cells]
    assert {(cell.arm, cell.why) for cell in absent} == {(ARM, "no rabbitmq-server; install one")}


def test_a_run_of_that_arm_alone_is_refused_with_the_reason(scenario: Scenario) -> None:
    (stage,) = scenario.stages
    alone = scenario.model_copy(update={"stages": [stage.model_copy(update={"arms": [ARM]})]})
    with pytest.raises(NotFit, match="install one"):
        leave_out(alone)


def test_a_server_of_the_users_will_do(scenario: Scenario, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHANGEOVER_BROKER_URL", "amqp://elsewhere//")
    assert leave_out(scenario) == (scenario, [])


def test_a_scenario_that_needs_no_rabbitmq_is_left_as_it_is() -> None:
    scenario = load_scenario("compare")[0]
    assert leave_out(scenario) == (scenario, [])
