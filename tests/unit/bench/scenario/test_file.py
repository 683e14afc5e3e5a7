"""A bad scenario is refused, with every mistake on its line."""

from pathlib import Path

import pytest

from bench.errors import BadScenario
from bench.scenario.file import load_scenario

BAD = """\
name = "Bad"
seed = 1
coluor = 2

[[stages]]
compute = "simulate"
arms = ["celery/hardend", "temporal/hardened"]
gpu_workers = 0
detection_budget_s = 3.5
[stages.job]
n = [1, 99]
stepps = 20
longest_step_s = 3.0
[[stages.cells]]
fault = "sigkil"
trials = 3
rate_per_s = "fast"
drain_s = inf
[[stages.cells]]
fault = "sigkill"
rate_per_s = 1
at = [0.9, 0.1]
[[stages.cells]]
fault = "none"
trials = 2

[idempotency]
modes = ["fence"]
steps = 40
"""

MISTAKES = {
    "1: name": "should match",
    "3: coluor": "no such key",
    "6: stages[0].compute": "is not one of simulated, diffusers; did you mean simulated?",
    "7: stages[0].arms[0]": "did you mean celery/hardened?",
    "8: stages[0].gpu_workers": "greater than or equal to 1, not 0",
    "10: stages[0].job.steps": "this key is missing",
    "11: stages[0].job.n[1]": "less than or equal to 8, not 99",
    "12: stages[0].job.stepps": "no such key; did you mean steps?",
    "15: stages[0].cells[0].fault": "did you mean sigkill?",
    "17: stages[0].cells[0].rate_per_s": "number, not 'fast'",
    "18: stages[0].cells[0].drain_s": "finite number, not inf",
    "19: stages[0].cells[1].drain_s": "this key is missing",
    "19: stages[0].cells[1].trials": "needs trials",
    "22: stages[0].cells[1].at": "the lower first",
    "23: stages[0].cells[2].drain_s": "this key is missing",
    "23: stages[0].cells[2].duration_s": "needs duration_s",
    "23: stages[0].cells[2].rate_per_s": "greater than 0",
    "25: stages[0].cells[2].trials": "has no trials",
    "28: idempotency.modes[0]": "did you mean fenced?",
    "27: idempotency.detection_budget_s": "would be handed out twice",
}


def refusal(path: Path, text: str) -> list[str]:
    """The lines in which a text is refused."""
    path.write_text(text)
    with pytest.raises(BadScenario) as refused:
        load_scenario(str(path))
    return str(refused.value).splitlines()


def test_every_mistake_is_listed_once_on_its_line(tmp_path: Path) -> None:
    path = tmp_path / "bad.toml"
    opening, *listed = refusal(path, BAD)
    assert opening == f"{path} is refused:"
    found = {}
    for line in listed:
        number, place, says = line.removeprefix(f"{path}:").split(": ", 2)
        found[f"{number}: {place}"] = says
    assert len(listed) == len(found)
    assert set(found) == set(MISTAKES)
    for place, says in MISTAKES.items():
        assert says in found[place]


def test_mistakes_come_in_the_order_of_the_file(tmp_path: Path) -> None:
    path = tmp_path / "bad.toml"
    numbers = [int(line.removeprefix(f"{path}:").split(":")[0]) for line in refusal(path, BAD)[1:]]
    assert numbers == sorted(numbers)


def test_a_mistake_of_syntax_names_its_line(tmp_path: Path) -> None:
    [line] = refusal(tmp_path / "bad.toml", 'name = "a"\nseed = = 1\n')
    assert "line 2" in line


def test_a_file_that_is_not_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "bad.toml").write_bytes(b'name = "\xff"')
    with pytest.raises(BadScenario, match="UTF-8"):
        load_scenario(str(tmp_path / "bad.toml"))


@pytest.mark.parametrize(
    ("twins", "says"),
    [
        ('["celery/stock"]', "not one of the stage's arms"),
        ('["temporal/hardened", "temporal/hardened"]', "each once"),
    ],
)
def test_a_twin_is_one_of_the_stages_arms(tmp_path: Path, twins: str, says: str) -> None:
    text = BAD.replace('"celery/hardend"', '"celery/hardened"')
    listed = refusal(
        tmp_path / "bad.toml", text.replace("gpu_workers", f"twins = {twins}\ngpu_workers")
    )
    [line] = [line for line in listed if "twins" in line]
    assert says in line
    assert ":8: stages[0].twins" in line
