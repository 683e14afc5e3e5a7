"""The Celery engine with a real broker, real workers and real kills."""

import asyncio
import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from celery_impl.engine import CeleryEngine, create_engine
from shared.domain.errors import EngineUnavailable, UnknownJob
from shared.domain.ids import JobId, new_job_id
from shared.domain.impact import Impact
from shared.domain.jobs import IMAGE_GENERATION, EngineTrace
from shared.domain.status import JobStatus, RecordKind
from shared.policy import GENERATE_IMAGE, policy_of
from tests.integration.celery_lab import ONCE, Lab, StartWorker, over, running_lab, until
from tests.integration.celery_sessions import Engines

FIRST = "generate_image/0"

pytest_plugins = ("tests.integration.celery_fixtures",)


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with running_lab(tmp_path_factory.mktemp("hardened"), "hardened") as lab:
        lab.worker("cpu", "cpu-0")
        yield lab


async def submitted(lab: Lab, engine: CeleryEngine, *, n: int = 1, steps: int = 20) -> JobId:
    job_id, request = lab.register(n=n, steps=steps)
    await engine.submit(job_id, IMAGE_GENERATION, request)
    return job_id


async def traced(
    engine: CeleryEngine, job_id: JobId, wanted: Callable[[EngineTrace], bool]
) -> EngineTrace:
    async with asyncio.timeout(30):
        while not wanted(trace := await engine.trace(job_id)):
            await asyncio.sleep(0.1)
    return trace


async def test_a_job_runs_every_step_once_and_leaves_nothing_in_redis(
    lab: Lab, engine: CeleryEngine, gpu: StartWorker
) -> None:
    gpu("gpu-once")
    job_id = await submitted(lab, engine, n=2)
    view = await over(engine, job_id)
    assert view.status is JobStatus.SUCCEEDED
    assert view.result is not None
    assert view.result["credits"] == 2
    assert lab.applied(job_id) == ONCE
    started = [r.step for r in lab.records(job_id) if r.kind is RecordKind.STARTED]
    assert sorted(started) == sorted(
        {"reserve_credits", FIRST, "generate_image/1", "assemble", "capture_credits", "notify_user"}
    )
    trace = await engine.trace(job_id)
    assert (trace.held, trace.closed) == (False, True)


async def test_a_busy_worker_holds_no_message_but_the_one_it_runs(
    lab: Lab, engine: CeleryEngine, gpu: StartWorker
) -> None:
    gpu("gpu-busy")
    job_id = await submitted(lab, engine, n=3)
    lab.reached(job_id, FIRST, 4)
    messages = (await engine.trace(job_id)).detail["messages"]
    assert sorted(messages) == [  # type: ignore[call-overload]  # detail is object by contract
        f"{FIRST}: unacked from queue gpu",
        "generate_image/1: queue gpu",
        "generate_image/2: queue gpu",
    ]
    assert (await over(engine, job_id)).status is JobStatus.SUCCEEDED


async def test_a_killed_workers_step_resumes_elsewhere_from_its_checkpoint(
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
    assert (await over(engine, job_id)).status is JobStatus.SUCCEEDED
    second = [r for r in lab.records(job_id, FIRST) if r.attempt == 2]
    assert second[0].worker != struck.worker
    resumed = next(r for r in second if r.kind is RecordKind.PROGRESS)
    assert resumed.done >= struck.done - lab.settings.checkpoint_every
    assert lab.applied(job_id) == ONCE


async def test_a_killed_childs_step_is_retried(
    lab: Lab, engine: CeleryEngine, gpu: StartWorker
) -> None:
    gpu("gpu-parent")
    job_id = await submitted(lab, engine, steps=30)
    struck = lab.reached(job_id, FIRST, 10)
    os.kill(struck.pid, signal.SIGKILL)
    assert (await over(engine, job_id)).status is JobStatus.SUCCEEDED
    # A third delivery does no work: the death may be noticed later than the visibility timeout.
    worked = [r for r in lab.records(job_id, FIRST) if r.kind is RecordKind.WORKING]
    assert len(worked) == 2
    assert lab.applied(job_id) == ONCE


async def test_a_killed_childs_step_goes_on_before_the_dead_childs_lease_would_have_ended(
    tmp_path: Path, engines: Engines
) -> None:
    with running_lab(tmp_path, "hardened", detection_budget_s=60.0) as lab:
        for role in ("cpu", "gpu"):
            lab.worker(role, f"{role}-0")
        engine = await engines(lab)
        job_id = await submitted(lab, engine, steps=30)
        struck = lab.reached(job_id, FIRST, 10)
        os.kill(struck.pid, signal.SIGKILL)
        assert (await over(engine, job_id)).status is JobStatus.SUCCEEDED
        worked = [r for r in lab.records(job_id, FIRST) if r.kind is RecordKind.WORKING]
        assert [record.attempt for record in worked] == [1, 2]
        # A lease is renewed when a third of it has passed.
        assert worked[1].mono_s < struck.mono_s + lab.settings.lease_s / 2
        assert lab.applied(job_id) == ONCE


async def test_a_message_that_comes_while_a_retry_runs_stays_in_its_queue(
    lab: Lab, engine: CeleryEngine, gpu: StartWorker
) -> None:
    """A worker that waited for a countdown must not have popped it into its socket.

    There it would be in no queue and in no unacknowledged set, and die with the worker.
    """
    gpu("gpu-parked")
    retried = await submitted(lab, engine, steps=40)
    os.kill(lab.reached(retried, FIRST, 4).pid, signal.SIGKILL)
    until(
        lambda: any(record.attempt == 2 for record in lab.records(retried, FIRST)),
        "the retry has begun",
    )
    waiting = await submitted(lab, engine, steps=2)
    # The first step is over once its effect is applied, and the picture's message is published.
    until(lambda: lab.applied(waiting) == ["reserve_credits"], "the first step is over")
    await asyncio.sleep(1.0)
    assert [(m.step, m.delivered_at_s) for m in lab.messages(waiting)] == [(FIRST, None)]
    for job_id in (retried, waiting):
        assert (await over(engine, job_id)).status is JobStatus.SUCCEEDED


async def test_a_child_that_dies_every_time_fails_the_job_in_the_end(
    lab: Lab, engine: CeleryEngine, gpu: StartWorker
) -> None:
    gpu("gpu-poisoned")
    job_id = await submitted(lab, engine, steps=200)
    killed: set[int] = set()
    async with asyncio.timeout(90):
        while not (await engine.view(job_id)).status.terminal:
            for record in lab.records(job_id, FIRST):
                if record.kind is RecordKind.WORKING and record.pid not in killed:
                    killed.add(record.pid)
                    os.kill(record.pid, signal.SIGKILL)
            await asyncio.sleep(0.05)
    view = await engine.view(job_id)
    assert view.status is JobStatus.FAILED
    assert len(killed) == policy_of(GENERATE_IMAGE).maximum_attempts
    # Where a busy machine used up the visibility timeout, the message was handed out again, and the
    # step counts for itself.
    reasons = ("Worker exited prematurely", "was tried 5 times")
    assert any(reason in str(view.error) for reason in reasons), view.error
    assert lab.applied(job_id) == ["reserve_credits", "release_credits"]


async def test_a_stopped_worker_hands_its_step_back_before_it_exits(
    lab: Lab, engine: CeleryEngine, gpu: StartWorker
) -> None:
    leaving = gpu("gpu-leaving")
    job_id = await submitted(lab, engine, steps=60)
    lab.reached(job_id, FIRST, 10)
    leaving.terminate()
    leaving.wait()
    # The child gave its lease back; the message is in the queue or already with the next worker.
    assert [r for r in lab.records(job_id, FIRST) if r.kind is RecordKind.FAILED]
    assert (await engine.trace(job_id)).where == "queue gpu"
    gpu("gpu-staying")
    assert (await over(engine, job_id)).status is JobStatus.SUCCEEDED
    assert lab.applied(job_id) == ONCE


async def test_a_cancel_stops_the_picture_and_releases_the_credits(
    lab: Lab, engine: CeleryEngine, gpu: StartWorker
) -> None:
    gpu("gpu-cancelled")
    job_id = await submitted(lab, engine, n=2, steps=400)
    lab.reached(job_id, FIRST, 4)
    await engine.cancel(job_id)
    view = await over(engine, job_id)
    assert view.status is JobStatus.CANCELLED
    assert lab.applied(job_id) == ["reserve_credits", "release_credits"]
    until(lambda: not lab.messages(job_id), "no message of a cancelled job is left")
    assert not lab.records(job_id, "generate_image/1")
    released = [r for r in lab.records(job_id, "release_credits") if not r.kind.ends_attempt]
    assert {r.attempt for r in released} == {1}


async def test_a_failed_member_of_the_fan_out_is_compensated_once(
    lab: Lab, engine: CeleryEngine, gpu: StartWorker
) -> None:
    gpu("gpu-failing")
    job_id, request = lab.register(n=2, steps=2, width=0)
    await engine.submit(job_id, IMAGE_GENERATION, request)
    view = await over(engine, job_id)
    assert view.status is JobStatus.FAILED
    assert view.error == "height and width must be > 0"
    until(lambda: not lab.messages(job_id), "no message of a failed job is left")
    assert lab.applied(job_id) == ["reserve_credits", "release_credits"]
    assert {r.attempt for r in lab.records(job_id, "release_credits")} == {1}


async def test_a_job_that_the_facade_refused_has_no_effect(lab: Lab, engine: CeleryEngine) -> None:
    job_id, request = lab.register()
    lab.jobs.reject(job_id)
    await engine.submit(job_id, IMAGE_GENERATION, request)
    assert (await over(engine, job_id)).status is JobStatus.FAILED
    assert lab.applied(job_id) == []


async def test_concurrent_submissions_of_a_job_run_it_once(
    lab: Lab, engine: CeleryEngine, gpu: StartWorker
) -> None:
    gpu("gpu-single")
    job_id, request = lab.register()
    submissions = (engine.submit(job_id, IMAGE_GENERATION, request) for _ in range(5))
    await asyncio.gather(*submissions)
    assert (await over(engine, job_id)).status is JobStatus.SUCCEEDED
    await engine.submit(job_id, IMAGE_GENERATION, request)
    assert not lab.messages(job_id)
    assert {r.attempt for r in lab.records(job_id)} == {1}


@pytest.mark.parametrize("away_s", [0.0, pytest.param(45.0, marks=pytest.mark.slow)])
async def test_a_job_survives_a_restart_of_the_broker(tmp_path: Path, away_s: float) -> None:
    with running_lab(tmp_path, "hardened") as lab:
        lab.worker("cpu", "cpu-0")
        lab.worker("gpu", "gpu-0")
        engine = create_engine(lab.settings)
        await engine.start()
        job_id = await submitted(lab, engine, n=2, steps=40)
        lab.reached(job_id, FIRST, 10)
        lab.redis.kill()
        # The picture is finished while there is nobody to tell.
        until(lambda: lab.ended(job_id, FIRST), "the picture is finished")
        await asyncio.sleep(away_s)
        lab.redis.start()
        assert (await over(engine, job_id)).status is JobStatus.SUCCEEDED
        assert lab.applied(job_id) == ONCE
        await engine.close()


async def test_with_the_default_settings_a_killed_workers_step_is_gone(tmp_path: Path) -> None:
    with running_lab(tmp_path, "stock") as lab:
        lab.worker("cpu", "cpu-0")
        gpu = lab.worker("gpu", "gpu-0")
        engine = create_engine(lab.settings)
        await engine.start()
        job_id = await submitted(lab, engine, n=2)
        lab.reached(job_id, FIRST, 4)
        alive = await engine.trace(job_id)
        assert alive.held
        assert alive.detail["running"] == [f"{FIRST} on gpu-0"]
        gpu.kill()
        lab.worker("gpu", "gpu-1")
        trace = await traced(engine, job_id, lambda trace: not trace.held)
        # The second picture's message was fetched with the first and comes back in an hour; the
        # chord will not get the first.
        assert trace.where == "a chord that waits for a lost member"
        assert trace.detail["lost_members"] == [FIRST]
        assert engine.bounds()[Impact.KILLED].seconds is None
        await engine.close()


async def test_without_redis_a_submission_is_refused_and_works_again_afterwards(
    tmp_path: Path,
) -> None:
    with running_lab(tmp_path, "hardened") as lab:
        engine = create_engine(lab.settings)
        await engine.start()
        known = await submitted(lab, engine)
        lab.redis.kill()
        job_id, request = lab.register()
        with pytest.raises(EngineUnavailable):
            await engine.submit(job_id, IMAGE_GENERATION, request)
        with pytest.raises(EngineUnavailable):
            await engine.trace(known)
        assert (await engine.view(known)).status is JobStatus.ACCEPTED
        assert not (await engine.health()).reachable
        lab.start_redis()
        await engine.submit(job_id, IMAGE_GENERATION, request)
        assert (await engine.trace(job_id)).where == "queue cpu"
        assert (await engine.health()).persistence == "AOF, appendfsync everysec"
        await engine.close()


async def test_a_redis_that_hangs_is_given_up_in_time(tmp_path: Path) -> None:
    with running_lab(tmp_path, "stock") as lab:
        engine = create_engine(lab.settings)
        await engine.start()
        await submitted(lab, engine)
        os.kill(lab.redis.pid, signal.SIGSTOP)
        job_id, request = lab.register()
        async with asyncio.timeout(10):
            with pytest.raises(EngineUnavailable):
                await engine.submit(job_id, IMAGE_GENERATION, request)
        os.kill(lab.redis.pid, signal.SIGCONT)
        await engine.close()


async def test_the_engine_starts_without_redis_and_knows_no_job_it_never_got(
    tmp_path: Path,
) -> None:
    lab = Lab(tmp_path, "hardened")
    engine = create_engine(lab.settings)
    await engine.start()
    with pytest.raises(UnknownJob):
        await engine.view(new_job_id())
    assert not (await engine.health()).reachable
    await engine.close()
