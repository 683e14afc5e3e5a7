"""What holds for every arm of either engine, whatever its profile."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from temporalio.testing import ActivityEnvironment

from celery_impl.app import build_publisher
from celery_impl.context import CeleryHost
from celery_impl.kept_by_us.step_state import StepStates
from shared.adapters.sql import connect, create_tables
from shared.domain.impact import Impact
from shared.domain.jobs import IMAGE_GENERATION
from shared.loader import load_engine
from shared.policy import RESERVE_CREDITS
from shared.profiles import profile_names, read_promises, read_tables
from shared.settings import Settings
from temporal_impl import profile as temporal_profiles
from temporal_impl.context import ActivityHost

ENGINES = ("celery", "temporal")
ARMS = [(engine, name) for engine in ENGINES for name in profile_names(f"{engine}_impl")]
RUNGS = ("stock", "tuned", "hardened")
STEP = "generate_image/0"


@pytest.mark.parametrize(("engine", "profile"), ARMS)
def test_an_arm_says_what_it_sets_and_why(engine: str, profile: str) -> None:
    settings = load_engine(engine, Settings(profile=profile)).settings()
    assert all(row.value and row.reason and row.source for row in settings)
    assert "steps.resumes" in {row.name for row in settings}


@pytest.mark.parametrize(("engine", "profile"), ARMS)
def test_an_arm_has_a_bound_or_a_reason_for_none_by_what_befalls_a_step(
    engine: str, profile: str
) -> None:
    bounds = load_engine(engine, Settings(profile=profile)).bounds()
    assert set(Impact) - set(bounds) <= {Impact.CHILD_KILLED}
    assert all(bound.why for bound in bounds.values())


@pytest.mark.parametrize("rung", RUNGS)
def test_both_engines_have_every_rung_and_resume_on_the_same_ones(rung: str) -> None:
    celery, temporal = (read_tables(f"{engine}_impl", rung) for engine in ENGINES)
    assert celery["steps.resumes"]["value"] == temporal["steps.resumes"]["value"]
    assert celery["steps.resumes"]["value"] == (rung == "hardened")


@pytest.mark.parametrize(("engine", "profile"), ARMS)
def test_no_arm_but_stock_may_apply_an_effect_twice(engine: str, profile: str) -> None:
    kept = read_promises(f"{engine}_impl", profile).kept
    assert ("no_duplicate_effects" in kept) == (profile != "stock")


@pytest.mark.parametrize(("engine", "profile"), ARMS)
def test_a_later_attempt_is_given_the_checkpoint_where_the_profile_resumes(
    engine: str, profile: str, tmp_path: Path
) -> None:
    resumes = read_tables(f"{engine}_impl", profile)["steps.resumes"]["value"]
    left: Callable[[str, Path], str | None] = {"celery": _on_celery, "temporal": _on_temporal}[
        engine
    ]
    assert left(profile, tmp_path) == ("10:abc" if resumes else None)


def _on_celery(profile: str, folder: Path) -> str | None:
    database = connect(f"sqlite:///{folder / 'state.db'}")
    create_tables(database)
    app = build_publisher(Settings(profile=profile))
    app.open_state(database)
    app.states.add("job", IMAGE_GENERATION, "{}", first_step=RESERVE_CREDITS)
    if isinstance(app.step_states, StepStates):
        app.step_states.begin_attempt("job", STEP)

    def host() -> CeleryHost:
        steps, checkpoints = app.step_states, app.checkpoints
        return CeleryHost(app.states, steps, checkpoints, "job", STEP, heeds_stop=True)

    host().heartbeat(10, 20, "10:abc")
    return host().resume_ref()


def _on_temporal(profile: str, folder: Path) -> str | None:
    resumes = temporal_profiles.load(Settings(profile=profile)).resumes
    sent: list[object] = []

    def attempt(left: list[object]) -> ActivityEnvironment:
        environment = ActivityEnvironment()
        environment.info = replace(
            environment.info, heartbeat_details=left, heartbeat_timeout=timedelta(seconds=5)
        )
        environment.on_heartbeat = lambda *details: sent.append(details)
        return environment

    attempt([]).run(lambda: ActivityHost(STEP, resumes=resumes).heartbeat(10, 20, "10:abc"))
    newest = sent[-1]
    assert isinstance(newest, tuple)
    left: str | None = attempt(list(newest)).run(
        lambda: ActivityHost(STEP, resumes=resumes).resume_ref()
    )
    return left
