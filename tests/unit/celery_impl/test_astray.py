"""An errback tells a message that could not be published from a step that failed."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from celery_impl.app import build_app
from celery_impl.kept_by_us.state import JobStates
from celery_impl.kept_by_us.step_state import StepStates
from celery_impl.signatures import step_of, task_id
from celery_impl.step_task import StepTask
from shared.adapters.sql import connect, create_tables
from shared.codec import to_json
from shared.domain.jobs import IMAGE_GENERATION, ImageJob
from shared.domain.status import JobStatus
from shared.policy import ASSEMBLE, GENERATE_IMAGE, POLICIES, RESERVE_CREDITS
from shared.settings import Settings

JOB = "job-1"
BEFORE_ASSEMBLE = [RESERVE_CREDITS, "generate_image/0", "generate_image/1"]


class Errback:
    """A job of two pictures in SQL, and the errback of one of its tasks."""

    def __init__(self, folder: Path, *, recovers: bool = True) -> None:
        database = connect(f"sqlite:///{folder / 'one.db'}")
        create_tables(database)
        self.states, self.steps = JobStates(database), StepStates(database)
        request = to_json(
            ImageJob(prompt="a", user_id="me", n=2, steps=10, seed=1, width=64, height=64)
        )
        self.states.add(JOB, IMAGE_GENERATION, request, first_step=RESERVE_CREDITS)
        self.app = SimpleNamespace(
            states=self.states,
            step_states=self.steps,
            profile=SimpleNamespace(recovers=recovers),
        )

    def did(self, *steps: str) -> "Errback":
        for step in steps:
            self.steps.begin_attempt(JOB, step)
            self.steps.finish(JOB, step, "null")
        return self

    def of(self, step: str) -> bool:
        request = SimpleNamespace(parent_id=task_id(JOB, step))
        return StepTask.went_astray(SimpleNamespace(app=self.app, request=request), JOB)  # type: ignore[arg-type]


def test_a_step_that_has_finished_did_not_fail(tmp_path: Path) -> None:
    assert Errback(tmp_path).did(RESERVE_CREDITS).of(RESERVE_CREDITS)


def test_a_chords_body_that_was_never_begun_did_not_fail(tmp_path: Path) -> None:
    assert Errback(tmp_path).did(*BEFORE_ASSEMBLE).of(ASSEMBLE)


def test_a_body_whose_member_is_missing_may_have_failed_for_that(tmp_path: Path) -> None:
    assert not Errback(tmp_path).did(RESERVE_CREDITS, "generate_image/0").of(ASSEMBLE)


def test_a_step_that_was_begun_and_left_no_result_failed(tmp_path: Path) -> None:
    errback = Errback(tmp_path).did(RESERVE_CREDITS)
    errback.steps.begin_attempt(JOB, "generate_image/0")
    assert not errback.of("generate_image/0")


def test_a_job_whose_end_is_decided_is_compensated(tmp_path: Path) -> None:
    errback = Errback(tmp_path).did(RESERVE_CREDITS)
    errback.states.decide_outcome(JOB, JobStatus.FAILED, "no picture")
    assert not errback.of(RESERVE_CREDITS)


def test_where_nothing_looks_for_lost_messages_the_job_fails(tmp_path: Path) -> None:
    assert not Errback(tmp_path, recovers=False).did(RESERVE_CREDITS).of(RESERVE_CREDITS)


def test_the_step_of_a_task_is_in_its_id() -> None:
    assert step_of(task_id(JOB, f"{GENERATE_IMAGE}/1")) == f"{GENERATE_IMAGE}/1"


@pytest.mark.parametrize("profile", ["hardened", "renewed", "tuned"])
@pytest.mark.parametrize("patience_s", [30, 300, 3600])
def test_no_time_limit_ends_a_task_that_still_publishes_what_follows(
    profile: str, patience_s: int
) -> None:
    conf = build_app(Settings(profile=profile, outage_patience_s=patience_s)).conf
    policy = conf.task_publish_retry_policy
    waits = (
        min(policy["interval_start"] + n * policy["interval_step"], policy["interval_max"])
        for n in range(policy["max_retries"])
    )
    assert patience_s <= sum(waits) <= patience_s + 5
    for step, limits in conf.task_annotations.items():
        if step in POLICIES:
            least = POLICIES[step].start_to_close_s + patience_s
            assert least <= limits["soft_time_limit"] < limits["time_limit"]
