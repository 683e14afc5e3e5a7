"""Steps as Celery itself keeps them: results in its backend, attempts in the request."""

from pathlib import Path

import pytest
from celery import states as celery_states
from sqlalchemy import Engine as Database

from celery_impl.app import build_publisher
from celery_impl.image_flows import IMAGES
from celery_impl.kept_by_us.application import ChangeoverApp
from celery_impl.kept_by_us.step_state import StepStates
from celery_impl.signatures import task_id
from celery_impl.steps import BackendSteps
from shared.codec import to_json
from shared.domain.errors import BadSetting, StepRefused
from shared.domain.jobs import IMAGE_GENERATION, ImageJob
from shared.policy import ASSEMBLE, GENERATE_IMAGE, RESERVE_CREDITS
from shared.settings import Settings

REQUEST = to_json(ImageJob("a red circle", "user", 2, 20, 1, 64, 64))


def opened(database: Database, profile: str) -> ChangeoverApp:
    """An application whose results stay in memory."""
    app = build_publisher(Settings(profile=profile))
    app.reads_results_from = None
    app.open_state(database)
    return app


@pytest.mark.parametrize("profile", ["stock", "tuned"])
def test_with_settings_alone_results_are_in_celerys_backend(
    database: Database, profile: str
) -> None:
    app = opened(database, profile)
    assert isinstance(app.step_states, BackendSteps)
    assert app.checkpoints is None
    app.states.add("job", IMAGE_GENERATION, REQUEST, first_step=RESERVE_CREDITS)
    app.step_states.finish("job", RESERVE_CREDITS, "2")
    app.backend.store_result(
        task_id("job", ASSEMBLE), ValueError("no sheet"), celery_states.FAILURE
    )
    assert app.step_states.results("job") == {RESERVE_CREDITS: "2"}
    assert StepStates(database).results("job") == {}


@pytest.mark.parametrize("profile", ["hardened", "renewed"])
def test_hardened_profiles_keep_them_in_sql(database: Database, profile: str) -> None:
    app = opened(database, profile)
    assert isinstance(app.step_states, StepStates)
    assert app.checkpoints is app.step_states


def test_every_step_of_a_job_is_looked_for(database: Database) -> None:
    app = opened(database, "tuned")
    app.states.add("job", IMAGE_GENERATION, REQUEST, first_step=RESERVE_CREDITS)
    members = [f"{GENERATE_IMAGE}/{index}" for index in range(2)]
    assert set(members) < set(IMAGES.steps(app.states.job("job")))


@pytest.mark.parametrize("profile", ["tuned", "hardened", "renewed"])
def test_retries_are_celerys_own(profile: str) -> None:
    app = build_publisher(Settings(profile=profile, detection_budget_s=10.0))
    task = app.tasks[GENERATE_IMAGE]
    assert task.autoretry_for == (Exception,)
    assert StepRefused in task.dont_autoretry_for
    assert (task.retry_backoff, task.retry_backoff_max, task.retry_jitter) == (1.0, 4, False)
    assert task.max_retries == 4
    assert task.run is not task._orig_run


def test_a_retry_waits_even_where_the_visibility_timeout_is_shortest() -> None:
    app = build_publisher(Settings(profile="hardened", detection_budget_s=2.0))
    assert app.tasks[GENERATE_IMAGE].retry_backoff_max == 1


def test_a_backend_without_checkpoints_is_not_asked_to_resume(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    import shared.profiles
    from celery_impl.profile import load

    source = Path("celery_impl/profiles/tuned.toml").read_text()
    (tmp_path / "profiles").mkdir()
    resumes = source.replace('["steps.resumes"]\nvalue = false', '["steps.resumes"]\nvalue = true')
    assert resumes != source
    (tmp_path / "profiles" / "mine.toml").write_text(resumes)
    monkeypatch.setattr(shared.profiles, "files", lambda _: tmp_path)
    with pytest.raises(BadSetting, match="keeps no checkpoints"):
        load(Settings(profile="mine"))
