"""Scenarios are validated whole before anything starts."""

from pathlib import Path

import pytest

from bench.errors import BadScenario
from bench.faults.experiments import EXPERIMENTS
from bench.scenario.file import load_scenario, shipped
from shared.ports.idempotency import IdempotencyMode

GOOD = """
name = "mine"
seed = 1
[[stages]]
compute = "simulated"
arms = ["celery/hardened", "temporal/hardened"]
gpu_workers = 2
detection_budget_s = 6.0
[stages.job]
n = [1]
steps = 20
longest_step_s = 3.0
[[stages.cells]]
fault = "sigkill"
trials = 3
rate_per_s = 0.5
drain_s = 10.0
"""


def _refusal(tmp_path: Path, text: str) -> str:
    path = tmp_path / "mine.toml"
    path.write_text(text)
    with pytest.raises(BadScenario) as refused:
        load_scenario(str(path))
    return str(refused.value)


def test_a_good_file_is_taken_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(GOOD)
    scenario, text = load_scenario(str(path))
    assert (scenario.name, text) == ("mine", GOOD)
    assert [arm.name for arm in scenario.stages[0].parsed_arms] == [
        "celery/hardened",
        "temporal/hardened",
    ]


@pytest.mark.parametrize("name", shipped())
def test_every_shipped_scenario_is_valid(name: str) -> None:
    load_scenario(name)


def test_the_default_suite_has_every_profile_and_the_promised_kills() -> None:
    scenario, _ = load_scenario("compare")
    trials = {
        (stage.id, cell.fault): cell.trials for stage in scenario.stages for cell in stage.cells
    }
    assert trials["simulated", "sigkill"] >= 20
    assert trials["diffusers", "sigkill"] >= 3
    assert {"none", "sigkill", "child-sigkill", "sigterm"} <= {fault for _, fault in trials}
    hardened = {"celery/hardened", "temporal/hardened"}
    [affordable] = [stage for stage in scenario.stages if stage.budgets_s]
    assert set(affordable.arms) == set(affordable.budgets_s) == hardened
    assert all(budget < affordable.detection_budget_s for budget in affordable.budgets_s.values())
    rungs, real = [stage for stage in scenario.stages if not stage.budgets_s]
    apart = {"celery/stock", "temporal/stock", "temporal/standalone", *hardened}
    assert set(rungs.arms) == apart | {"celery/tuned", "temporal/tuned"}
    assert set(real.arms) == apart


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('name = "mine"', 'name = "No Good"', "name"),
        ("seed = 1", "seed = -1", "seed"),
        ('"celery/hardened"', '"celery/bespoke"', "celery/bespoke"),
        ('"celery/hardened"', '"temporal/hardened"', "each once"),
        ("detection_budget_s = 6.0", "detection_budget_s = 3.5", "would be handed out twice"),
        ('fault = "sigkill"', 'fault = "meteor"', "fault"),
        ("trials = 3", "", "needs trials"),
        ("trials = 3", "trials = 3\nat = [0.9, 0.1]", "the lower first"),
        ("drain_s = 10.0", "drain_s = 10.0\ncolour = 1", "colour"),
        ("gpu_workers = 2", "gpu_workers = 0", "gpu_workers"),
        ("rate_per_s = 0.5", "", "greater than 0"),
        ('fault = "sigkill"', 'fault = "oversized"\nat = [0.1, 0.9]', "aims at no step"),
        ('fault = "sigkill"', 'fault = "input-late"', "has no load"),
        ('fault = "sigkill"', 'fault = "over-lease"', "below longest_step_s"),
        ('fault = "sigkill"', 'fault = "parked-message"', "gpu_workers = 1"),
        ('fault = "sigkill"', 'fault = "lost-member"', "several pictures"),
    ],
)
def test_a_mistake_is_named_by_its_place(tmp_path: Path, old: str, new: str, says: str) -> None:
    assert says in _refusal(tmp_path, GOOD.replace(old, new, 1))


CELERY, TEMPORAL = '"celery/hardened"', '"temporal/hardened"'


@pytest.mark.parametrize(
    ("arms", "changes", "says"),
    [
        (CELERY, "detection_budget_s = 4.5", ""),
        (CELERY, "detection_budget_s = 3.9", "celery/hardened: 1 s of the budget is for"),
        ('"celery/renewed"', "detection_budget_s = 2.1", ""),
        ('"celery/stock", "temporal/stock"', "detection_budget_s = 2.0", ""),
        (TEMPORAL, "detection_budget_s = 2.5", ""),
        (TEMPORAL, "detection_budget_s = 2.0", "temporal/hardened: 1 s of the budget is for"),
        (TEMPORAL, "detection_budget_s = 3.0\nstep_s = 1.5", "may be silent for 1.5 s"),
        (TEMPORAL, "detection_budget_s = 6.0\nstep_s = 1.5", ""),
        (
            f"{CELERY}, {TEMPORAL}",
            'detection_budget_s = 6.0\nbudgets_s = { "temporal/hardened" = 3.0 }',
            "",
        ),
        (
            f"{CELERY}, {TEMPORAL}",
            'detection_budget_s = 6.0\nbudgets_s = { "celery/hardened" = 3.0 }',
            "celery/hardened: 1 s of the budget",
        ),
        (CELERY, 'detection_budget_s = 6.0\nbudgets_s = { "temporal/hardened" = 3.0 }', "arms"),
    ],
)
def test_each_engines_own_rule_for_a_budget_is_asked_of_its_own_arms_alone(
    tmp_path: Path, arms: str, changes: str, says: str
) -> None:
    text = GOOD.replace(f"{CELERY}, {TEMPORAL}", arms)
    text = text.replace("detection_budget_s = 6.0", changes)
    if says:
        assert says in _refusal(tmp_path, text)
    else:
        (tmp_path / "mine.toml").write_text(text)
        load_scenario(str(tmp_path / "mine.toml"))


def test_a_stage_serves_what_its_cells_are_about_with_the_settings_that_their_faults_need(
    tmp_path: Path,
) -> None:
    path = tmp_path / "mine.toml"
    session = GOOD[GOOD.index("[[stages.cells]]") :].replace("rate_per_s = 0.5\n", "")
    path.write_text(GOOD + session.replace("sigkill", "input-late"))
    [stage] = load_scenario(str(path))[0].stages
    assert [cell.workload for cell in stage.cells] == ["image-generation", "face-similarity"]
    assert stage.workloads == ["face-similarity", "image-generation"]
    assert set(stage.env) == {"CHANGEOVER_INPUT_DEADLINE_S"}
    [plain] = load_scenario("smoke")[0].stages
    assert (plain.workloads, plain.env) == (["image-generation"], {})


EXPERIMENTS_ONLY = """
name = "guards"
seed = 1
[idempotency]
modes = ["none", "fenced"]
experiments = ["killed_mid_work", "reply_dropped"]
trials = 2
detection_budget_s = 5.0
"""


def test_experiments_need_no_stages(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(EXPERIMENTS_ONLY)
    scenario, _ = load_scenario(str(path))
    assert scenario.stages == []
    assert scenario.idempotency is not None
    assert scenario.idempotency.modes == ["none", "fenced"]
    assert scenario.largest == (4, "simulated")


def test_experiments_may_follow_stages(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(GOOD + EXPERIMENTS_ONLY.partition("seed = 1")[2])
    scenario, _ = load_scenario(str(path))
    assert len(scenario.stages) == 1
    assert scenario.idempotency is not None


def test_the_shipped_experiments_try_every_mode_on_both_engines() -> None:
    plan = load_scenario("idempotency")[0].idempotency
    assert plan is not None
    assert set(plan.modes) == set(IdempotencyMode)
    assert set(plan.arms) == {"celery/hardened", "temporal/hardened"}
    assert set(plan.experiments) == set(EXPERIMENTS)
    assert plan.trials >= 3


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('"fenced"', '"hopeful"', "fenced"),
        ('"reply_dropped"', '"meteor"', "killed_before_work"),
        ('"none", "fenced"', '"fenced", "fenced"', "each once"),
        ("trials = 2", 'arms = ["temporal/standalone"]', "one activity"),
        ("trials = 2", "trials = 0", "trials"),
        ("detection_budget_s = 5.0", "detection_budget_s = 2.5", "would be handed out twice"),
        ("[idempotency]", "[idempotence]", "idempotence"),
    ],
)
def test_a_mistake_in_the_experiments_is_named(
    tmp_path: Path, old: str, new: str, says: str
) -> None:
    assert says in _refusal(tmp_path, EXPERIMENTS_ONLY.replace(old, new, 1))


def test_a_scenario_has_to_do_something(tmp_path: Path) -> None:
    assert "needs stages" in _refusal(tmp_path, 'name = "idle"\nseed = 1\n')


def test_all_mistakes_are_listed_at_once(tmp_path: Path) -> None:
    refusal = _refusal(tmp_path, GOOD.replace("seed = 1", "seed = -1").replace("steps", "stepps"))
    assert "seed" in refusal
    assert "steps" in refusal
    assert "stepps" in refusal


def test_a_file_that_is_not_toml_or_not_there_says_so(tmp_path: Path) -> None:
    assert "line 1" in _refusal(tmp_path, "name = = 1")
    with pytest.raises(BadScenario, match="shipped are compare, "):
        load_scenario(str(tmp_path / "none.toml"))


def test_a_twin_runs_beside_its_arm_under_another_name(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(GOOD.replace("gpu_workers", 'twins = ["celery/hardened"]\ngpu_workers'))
    scenario, _ = load_scenario(str(path))
    *_, twin = scenario.stages[0].parsed_arms
    assert (twin.name, twin.slug) == ("celery/hardened-twin", "celery-hardened-twin")
    assert (twin.engine, twin.profile) == ("celery", "hardened")
    assert scenario.largest == (3, "simulated")
