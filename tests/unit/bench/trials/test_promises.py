"""An arm is held to what its profile promises, the same wherever it is measured."""

from pathlib import Path

import pytest

import shared.profiles
from bench.arms.engines import ENGINES, profiles_of
from bench.arms.topology import Arm
from bench.errors import BadScenario
from bench.record.run_info import CellKind
from bench.scenario.file import load_scenario
from bench.trials.idempotency.arms import GuardedArm
from bench.trials.infos import demands_on
from shared.domain.promises import Promise
from shared.ports.idempotency import IdempotencyMode

SETTING = '[steps.recovers]\nvalue = false\nreason = "r"\nsource = "s"\n'
SCENARIO = """
name = "mine"
seed = 1
[soak]
arms = ["celery/mine"]
duration_s = 60
rate_per_s = 1
mean_gap_s = 5
drain_s = 30
mix = [{ fault = "sigkill", role = "gpu" }]
"""


def own_profile(monkeypatch: pytest.MonkeyPatch, folder: Path, promises: str) -> None:
    """A profile `mine` of the user's own on either engine."""
    (folder / "profiles").mkdir()
    (folder / "profiles" / "mine.toml").write_text(promises + SETTING)
    monkeypatch.setattr(shared.profiles, "files", lambda _: folder)


def everywhere(engine: str, profile: str) -> dict[CellKind, set[str]]:
    arm = Arm(engine, profile)
    guarded = GuardedArm(engine, profile, IdempotencyMode.FENCED)
    return {
        CellKind.TRIALS: set(demands_on(arm, CellKind.TRIALS)),
        CellKind.SOAK: set(demands_on(arm, CellKind.SOAK)),
        CellKind.EXPERIMENT: set(demands_on(guarded, CellKind.EXPERIMENT)),
    }


def promised(engine: str, profile: str) -> dict[CellKind, set[str]]:
    """What is demanded beyond what every cell of that kind is held to."""
    of_all = {"no_phantoms", "faults_confirmed", "no_duplicate_executions"}
    return {kind: found - of_all for kind, found in everywhere(engine, profile).items()}


def test_a_profile_of_ones_own_is_judged_alike_by_every_kind_of_cell(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    own_profile(monkeypatch, tmp_path, '[promises]\nkept = ["no_loss"]\nreason = "r"\n')
    for engine in ENGINES:
        assert promised(engine, "mine") == {kind: {"no_loss"} for kind in CellKind}


def test_whoever_promises_nothing_is_only_held_to_what_all_are_held_to(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    own_profile(monkeypatch, tmp_path, '[promises]\nkept = []\nreason = "r"\n')
    assert promised("celery", "mine") == {kind: set() for kind in CellKind}


@pytest.mark.parametrize(
    ("engine", "profile"), [(engine, name) for engine in ENGINES for name in profiles_of(engine)]
)
def test_shipped_profiles_promise_the_same_but_for_those_that_cannot(
    engine: str, profile: str
) -> None:
    kept = set() if profile == "stock" else {"no_loss", "no_duplicate_effects"}
    if (engine, profile) == ("celery", "tuned"):
        kept = {"no_duplicate_effects"}  # nobody misses a message that the broker has lost
    found = promised(engine, profile)
    assert found[CellKind.TRIALS] == (kept | {"within_bound"} if kept else kept)
    assert (found[CellKind.SOAK], found[CellKind.EXPERIMENT]) == (kept, kept)


def test_a_weaker_guard_promises_nothing_whatever_the_profile() -> None:
    weaker = GuardedArm("celery", "hardened", IdempotencyMode.CLAIM)
    assert demands_on(weaker, CellKind.EXPERIMENT) == []


@pytest.mark.parametrize(
    "promises",
    [
        "",
        '[promises]\nkept = ["no_lose"]\nreason = "r"\n',
        '[promises]\nkept = ["no_loss"]\n',
        '[promises]\nkept = "no_loss"\nreason = "r"\n',
        '[promises]\nkept = []\nreason = "r"\nkeeps = 1\n',
    ],
)
def test_a_profile_that_does_not_say_what_it_promises_is_refused_before_anything_starts(
    promises: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    own_profile(monkeypatch, tmp_path, promises)
    scenario = tmp_path / "mine-scenario.toml"
    scenario.write_text(SCENARIO)
    with pytest.raises(BadScenario, match=r"mine.toml: \[promises\] needs kept") as refused:
        load_scenario(str(scenario))
    assert all(promise in str(refused.value) for promise in Promise)
