"""What the detection budget costs is said from the settings in force."""

from dataclasses import replace

import pytest

from bench.checkers.budget import budgets
from bench.checkers.by_job import by_cell
from bench.report.budget import BudgetLine, budget_lines
from shared.domain.jobs import EffectiveSetting
from tests.unit.bench.report.synthetic_run import SyntheticRun


def lines(run: SyntheticRun, **settings: str) -> dict[str, BudgetLine]:
    info = run.info
    changed = [EffectiveSetting(name, value, "", "") for name, value in settings.items()]
    if changed:
        info = replace(info, settings={"celery/hardened": changed})
    found = budget_lines(budgets(info, by_cell(run.info.cells, run.history).values()))
    return {line.budget.arm: line for line in found}


def test_each_arm_names_the_setting_that_notices_a_dead_worker(run: SyntheticRun) -> None:
    assert {arm: line.budget.setting for arm, line in lines(run).items()} == {
        "celery/stock": "visibility_timeout_s",
        "celery/hardened": "visibility_timeout_s",
        "temporal/stock": "generate_image_start_to_close_s",
        "temporal/hardened": "heartbeat_timeout_s",
        "temporal/standalone": "heartbeat_timeout_s",
    }


def test_a_visibility_timeout_shorter_than_a_healthy_step_is_called_out(run: SyntheticRun) -> None:
    line = lines(run, visibility_timeout_s="1.0")["celery/hardened"]
    assert line.budget.longest_step_s is not None
    assert line.budget.longest_step_s > 1.0
    assert "too long for it" in line.sentence


def test_an_early_ack_takes_the_visibility_timeout_out_of_play(run: SyntheticRun) -> None:
    line = lines(run, visibility_timeout_s="3600", task_acks_late="False")["celery/hardened"]
    assert "not in play" in line.sentence


def test_a_lease_that_is_renewed_need_not_exceed_the_longest_step(run: SyntheticRun) -> None:
    renewed = {"visibility_timeout_s": "1.0", "steps.renewals": "3"}
    sentence = lines(run, **renewed)["celery/hardened"].sentence
    assert "need not exceed the longest job" in sentence
    assert "longer than the timeout" in sentence


@pytest.mark.parametrize("value", ["policy", "", "server default"])
def test_a_setting_that_is_no_number_is_passed_over(run: SyntheticRun, value: str) -> None:
    assert lines(run, start_to_close=value) == {}


def test_settings_of_one_driver_are_held_against_the_steps_on_that_driver(
    run: SyntheticRun,
) -> None:
    heartbeat = [EffectiveSetting("heartbeat_timeout_s", "5.0", "", "")]
    labels = ["temporal/hardened (simulated)", "temporal/hardened (diffusers)"]
    info = replace(run.info, settings=dict.fromkeys(labels, heartbeat))
    found = budget_lines(budgets(info, by_cell(run.info.cells, run.history).values()))
    longest = {line.budget.label: line.budget.longest_step_s for line in found}
    assert longest[labels[0]] == pytest.approx(2.01, abs=0.01)
    assert longest[labels[1]] == pytest.approx(2.41, abs=0.01)


def test_the_stages_of_an_arm_stand_as_the_scenario_has_them(run: SyntheticRun) -> None:
    heartbeat = [EffectiveSetting("heartbeat_timeout_s", "5.0", "", "")]
    labels = [f"temporal/hardened (budget-{budget_s})" for budget_s in (2, 5, 10)]
    info = replace(run.info, settings=dict.fromkeys(labels, heartbeat))
    found = budget_lines(budgets(info, by_cell(run.info.cells, run.history).values()))
    assert [line.budget.label for line in found] == labels
