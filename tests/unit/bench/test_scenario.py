"""Scenarios are validated whole before anything starts."""

from pathlib import Path

import pytest

from bench.errors import BadScenario
from bench.scenario import load_scenario, shipped

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
        (stage.compute, cell.fault): cell.trials
        for stage in scenario.stages
        for cell in stage.cells
    }
    assert trials["simulated", "sigkill"] >= 20
    assert trials["diffusers", "sigkill"] >= 3
    assert {"none", "sigkill", "sigterm"} <= {fault for _, fault in trials}
    for stage in scenario.stages:
        assert set(stage.arms) == {
            "celery/stock",
            "celery/hardened",
            "temporal/stock",
            "temporal/hardened",
            "temporal/standalone",
        }


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('name = "mine"', 'name = "No Good"', "name"),
        ("seed = 1", "seed = -1", "seed"),
        ('"celery/hardened"', '"celery/bespoke"', "celery/bespoke"),
        ('"celery/hardened"', '"temporal/hardened"', "each once"),
        ("detection_budget_s = 6.0", "detection_budget_s = 3.5", "visibility timeout"),
        ('fault = "sigkill"', 'fault = "meteor"', "fault"),
        ("trials = 3", "", "needs trials"),
        ("trials = 3", "trials = 3\nat = [0.9, 0.1]", "the lower first"),
        ("drain_s = 10.0", "drain_s = 10.0\ncolour = 1", "colour"),
        ("gpu_workers = 2", "gpu_workers = 0", "gpu_workers"),
    ],
)
def test_a_mistake_is_named_by_its_place(tmp_path: Path, old: str, new: str, says: str) -> None:
    assert says in _refusal(tmp_path, GOOD.replace(old, new, 1))


def test_all_mistakes_are_listed_at_once(tmp_path: Path) -> None:
    refusal = _refusal(tmp_path, GOOD.replace("seed = 1", "seed = -1").replace("steps", "stepps"))
    assert "seed" in refusal
    assert "steps" in refusal
    assert "stepps" in refusal


def test_a_file_that_is_not_toml_or_not_there_says_so(tmp_path: Path) -> None:
    assert "line 1" in _refusal(tmp_path, "name = = 1")
    with pytest.raises(BadScenario, match="shipped are compare, quick"):
        load_scenario(str(tmp_path / "none.toml"))
