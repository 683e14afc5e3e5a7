"""Celery with settings alone: a real broker, real workers and real kills."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from celery_impl.engine import CeleryEngine
from celery_impl.kept_by_us.step_state import StepStates
from shared.domain.ids import JobId
from shared.domain.impact import Impact
from shared.domain.jobs import IMAGE_GENERATION
from shared.domain.status import JobStatus, RecordKind
from tests.integration.celery_lab import ONCE, Lab, StartWorker, over, running_lab
from tests.integration.celery_sessions import Engines

FIRST = "generate_image/0"

pytest_plugins = ("tests.integration.celery_fixtures",)


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with running_lab(tmp_path_factory.mktemp("tuned"), "tuned") as lab:
        lab.worker("cpu", "cpu-0")
        yield lab


async def submitted(lab: Lab, engine: CeleryEngine, *, n: int = 1, steps: int = 20) -> JobId:
    job_id, request = lab.register(n=n, steps=steps)
    await engine.submit(job_id, IMAGE_GENERATION, request)
    return job_id


async def test_a_job_runs_every_step_once_with_its_results_in_redis(
    lab: Lab, engine: CeleryEngine, gpu: StartWorker
) -> None:
    gpu("gpu-once")
    job_id = await submitted(lab, engine, n=2)
    view = await over(engine, job_id)
    assert view.status is JobStatus.SUCCEEDED
    assert view.result is not None
    assert view.result["credits"] == 2
    assert len(view.result["images"]) == 2
    assert lab.applied(job_id) == ONCE
    assert StepStates(lab.database).results(job_id) == {}
    prefix = f"{lab.settings.namespace}:celery-task-meta-{job_id}"
    assert lab.queues.redis.exists(f"{prefix}/{FIRST}", f"{prefix}/assemble") == 2
    assert not (await engine.trace(job_id)).held


async def test_a_killed_workers_step_starts_again_from_nothing(
    lab: Lab, engine: CeleryEngine, gpu: StartWorker
) -> None:
    workers = {name: gpu(name) for name in ("gpu-left", "gpu-right")}
    job_id = await submitted(lab, engine, steps=30)
    struck = lab.reached(job_id, FIRST, 10)
    workers[struck.worker].kill()
    trace = await engine.trace(job_id)
    assert trace.held
    assert trace.due_in_s is not None
    assert trace.due_in_s <= (engine.bounds()[Impact.KILLED].seconds or 0)
    view = await over(engine, job_id)
    assert view.status is JobStatus.SUCCEEDED
    assert view.result is not None
    assert [image["resumed_from"] for image in view.result["images"]] == [0]
    assert lab.applied(job_id) == ONCE


async def test_a_killed_childs_step_is_published_anew_and_counted(
    tmp_path: Path, engines: Engines
) -> None:
    """Within a visibility timeout that a busy machine does not use up."""
    with running_lab(tmp_path, "tuned", detection_budget_s=12.0) as lab:
        for role in ("cpu", "gpu"):
            lab.worker(role, f"{role}-0")
        assert await worked_after_a_kill(lab, await engines(lab), steps=30, at=10) == [1, 2]


async def test_what_is_killed_past_its_visibility_timeout_counts_as_the_same_attempt_again(
    lab: Lab, engine: CeleryEngine, gpu: StartWorker
) -> None:
    """Its copy is in the queue already, ahead of the retry, and says nothing of this delivery."""
    gpu("gpu-parent")
    assert await worked_after_a_kill(lab, engine, steps=120, at=100) == [1, 1]


async def worked_after_a_kill(lab: Lab, engine: CeleryEngine, *, steps: int, at: int) -> list[int]:
    """Kill the child that paints a job's picture; return which attempts worked on it."""
    job_id = await submitted(lab, engine, steps=steps)
    os.kill(lab.reached(job_id, FIRST, at).pid, signal.SIGKILL)
    assert (await over(engine, job_id)).status is JobStatus.SUCCEEDED
    assert lab.applied(job_id) == ONCE
    return [r.attempt for r in lab.records(job_id, FIRST) if r.kind is RecordKind.WORKING]


async def test_a_failing_step_is_retried_by_celery_and_then_compensated(
    lab: Lab, engine: CeleryEngine, gpu: StartWorker
) -> None:
    """A picture that cannot be stored: its artifact's folder is a file."""
    gpu("gpu-fails")
    job_id = await submitted(lab, engine, n=1, steps=20)
    lab.reached(job_id, FIRST, 2)
    folder = lab.folder / "artifacts"
    aside = lab.folder / "aside"
    folder.rename(aside)
    folder.write_text("in the way")
    try:
        view = await over(engine, job_id)
    finally:
        folder.unlink()
        aside.rename(folder)
    assert view.status is JobStatus.FAILED
    failed = [r.attempt for r in lab.records(job_id, FIRST) if r.kind is RecordKind.FAILED]
    assert failed == [1, 2, 3, 4, 5]
    assert lab.applied(job_id) == ["reserve_credits", "release_credits"]


async def test_a_cancel_stops_the_running_step_and_releases_the_credits(
    lab: Lab, engine: CeleryEngine, gpu: StartWorker
) -> None:
    gpu("gpu-cancels")
    job_id = await submitted(lab, engine, steps=150)
    lab.reached(job_id, FIRST, 4)
    await engine.cancel(job_id)
    assert (await over(engine, job_id)).status is JobStatus.CANCELLED
    assert lab.applied(job_id) == ["reserve_credits", "release_credits"]
