"""Celery on RabbitMQ: a node of the test's own, real workers and real kills."""

import asyncio
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.arms.rabbitmq import rabbitmq_binary, why_no_rabbitmq
from celery_impl.engine import CeleryEngine
from shared.domain.errors import EngineUnavailable
from shared.domain.ids import JobId
from shared.domain.jobs import IMAGE_GENERATION
from shared.domain.records import AttemptRecord
from shared.domain.status import JobStatus, RecordKind
from tests.integration.celery_lab import ONCE, Lab, StartWorker, over, running_lab, until
from tests.integration.celery_sessions import Engines

FIRST = "generate_image/0"
LONG_BUDGET_S = 60.0
"""So long that whatever comes sooner was not waited for."""

pytest_plugins = ("tests.integration.celery_fixtures",)


pytestmark = pytest.mark.skipif(bool(why_no_rabbitmq()), reason=why_no_rabbitmq())


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    folder = tmp_path_factory.mktemp("rabbitmq")
    with running_lab(folder, "rabbitmq", detection_budget_s=LONG_BUDGET_S) as lab:
        lab.worker("cpu", "cpu-0")
        yield lab


async def submitted(lab: Lab, engine: CeleryEngine, *, n: int = 1, steps: int = 20) -> JobId:
    job_id, request = lab.register(n=n, steps=steps)
    await engine.submit(job_id, IMAGE_GENERATION, request)
    return job_id


def worked(lab: Lab, job_id: str) -> list[AttemptRecord]:
    return [r for r in lab.records(job_id, FIRST) if r.kind is RecordKind.WORKING]


async def test_a_job_runs_every_step_once(lab: Lab, engine: CeleryEngine, gpu: StartWorker) -> None:
    gpu("gpu-once")
    assert (await engine.health()).server.startswith("rabbitmq ")
    job_id = await submitted(lab, engine, n=2)
    assert (await engine.trace(job_id)).held
    view = await over(engine, job_id)
    assert view.status is JobStatus.SUCCEEDED
    assert lab.applied(job_id) == ONCE
    assert not (await engine.trace(job_id)).held


async def test_a_killed_workers_step_is_begun_again_without_any_clock_running_out(
    lab: Lab, engine: CeleryEngine, gpu: StartWorker
) -> None:
    """And from its checkpoint: within half a budget, after which the dead attempt's lease ends."""
    workers = {name: gpu(name) for name in ("gpu-left", "gpu-right")}
    job_id = await submitted(lab, engine, steps=60)
    struck = lab.reached(job_id, FIRST, 20)
    workers[struck.worker].kill()
    until(lambda: len(worked(lab, job_id)) == 2, "the step is begun again", LONG_BUDGET_S / 3)
    view = await over(engine, job_id)
    assert view.status is JobStatus.SUCCEEDED
    assert view.result is not None
    assert view.result["images"][0]["resumed_from"] >= 18
    assert lab.applied(job_id) == ONCE


async def test_a_killed_childs_step_waits_for_its_retry_at_the_broker(
    lab: Lab, engine: CeleryEngine, gpu: StartWorker
) -> None:
    gpu("gpu-child")
    job_id = await submitted(lab, engine, steps=40)
    os.kill(lab.reached(job_id, FIRST, 10).pid, signal.SIGKILL)
    until(lambda: len(worked(lab, job_id)) == 2, "the step is begun again", LONG_BUDGET_S / 3)
    assert (await over(engine, job_id)).status is JobStatus.SUCCEEDED
    assert [r.attempt for r in worked(lab, job_id)] == [1, 2]
    assert lab.applied(job_id) == ONCE


async def test_a_worker_that_is_told_to_stop_hands_its_step_back(
    lab: Lab, engine: CeleryEngine, gpu: StartWorker
) -> None:
    workers = {name: gpu(name) for name in ("gpu-stops", "gpu-stays")}
    job_id = await submitted(lab, engine, steps=200)
    workers[lab.reached(job_id, FIRST, 10).worker].terminate()
    until(lambda: len(worked(lab, job_id)) == 2, "the step is begun again", LONG_BUDGET_S / 3)
    assert (await over(engine, job_id)).status is JobStatus.SUCCEEDED
    assert lab.applied(job_id) == ONCE


async def test_a_frozen_workers_step_is_handed_out_again_and_finished_once(
    tmp_path: Path, engines: Engines
) -> None:
    with running_lab(tmp_path, "rabbitmq", detection_budget_s=7.0) as lab:
        lab.worker("cpu", "cpu-0")
        workers = {name: lab.worker("gpu", name) for name in ("gpu-left", "gpu-right")}
        engine = await engines(lab)
        job_id = await submitted(lab, engine, steps=60)
        struck = lab.reached(job_id, FIRST, 20)
        group = workers[struck.worker].pid
        os.killpg(group, signal.SIGSTOP)
        until(lambda: len(worked(lab, job_id)) == 2, "the step is begun again")
        os.killpg(group, signal.SIGCONT)
        assert (await over(engine, job_id)).status is JobStatus.SUCCEEDED
        assert lab.applied(job_id) == ONCE
        finished = [r for r in lab.records(job_id, FIRST) if r.kind is RecordKind.FINISHED]
        assert len(finished) == 1


async def test_a_broker_that_is_killed_keeps_what_it_has_confirmed(
    lab: Lab, engine: CeleryEngine, gpu: StartWorker
) -> None:
    job_id = await submitted(lab, engine)
    lab.broker.kill()
    other, request = lab.register()
    with pytest.raises(EngineUnavailable):
        await engine.submit(other, IMAGE_GENERATION, request)
    assert not (await engine.health()).reachable
    lab.start_broker()
    gpu("gpu-after")
    await engine.submit(other, IMAGE_GENERATION, request)
    for each in (job_id, other):
        assert (await over(engine, each)).status is JobStatus.SUCCEEDED
        assert lab.applied(each) == ONCE


def _ctl(lab: Lab, *arguments: str) -> None:
    command = Path(rabbitmq_binary()).with_name("rabbitmqctl")
    node = ["-n", lab.broker.env["RABBITMQ_NODENAME"]]
    env = {**os.environ, **lab.broker.env}
    subprocess.run([command, *node, *arguments], env=env, check=True, capture_output=True)


async def test_the_worker_that_comes_first_can_hand_out_what_waits_for_a_retry(lab: Lab) -> None:
    """It binds the other role's queues too, which nobody else has declared."""
    log = lab.folder / "cpu-0.log"
    until(lambda: "ready." in log.read_text(), "the worker consumes")
    assert "Failed to bind" not in log.read_text()


async def test_an_alarm_of_memory_cuts_no_worker_off(tmp_path: Path, engines: Engines) -> None:
    with running_lab(tmp_path, "rabbitmq", detection_budget_s=7.0) as lab:
        lab.worker("cpu", "cpu-0")
        lab.worker("gpu", "gpu-0")
        engine = await engines(lab)
        job_id = await submitted(lab, engine, steps=250)
        lab.reached(job_id, FIRST, 10)
        _ctl(lab, "set_vm_memory_high_watermark", "absolute", "1MB")
        until(lambda: lab.ended(job_id, FIRST), "the step ends, after more than three heartbeats")
        _ctl(lab, "set_vm_memory_high_watermark", "0.4")
        assert (await over(engine, job_id)).status is JobStatus.SUCCEEDED
        assert {record.attempt for record in lab.records(job_id, FIRST)} == {1}
        assert "Connection to broker lost" not in (lab.folder / "gpu-0.log").read_text()


async def test_a_worker_outlives_its_consumer_timeout(tmp_path: Path, engines: Engines) -> None:
    lab = Lab(tmp_path, "rabbitmq", detection_budget_s=LONG_BUDGET_S)
    # RabbitMQ from 3.12 on takes the hour of the queues instead.
    flag = "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS"
    lab.broker.env[flag] += " -rabbit consumer_timeout 3000 -rabbit channel_tick_interval 1000"
    configuration = Path(lab.broker.env["RABBITMQ_CONFIG_FILE"])
    kept = [line for line in configuration.read_text().splitlines() if "consumer_t" not in line]
    configuration.write_text("\n".join(kept) + "\n")
    try:
        lab.start()
        lab.worker("cpu", "cpu-0")
        lab.worker("gpu", "gpu-0")
        engine = await engines(lab)
        for steps in (120, 10):
            job_id = await submitted(lab, engine, steps=steps)
            assert (await over(engine, job_id)).status is JobStatus.SUCCEEDED
            assert lab.applied(job_id) == ONCE
    finally:
        lab.stop()


async def test_jobs_can_be_looked_at_while_many_wait_for_a_frozen_broker(
    lab: Lab, engine: CeleryEngine, gpu: StartWorker
) -> None:
    gpu("gpu-seen")
    job_id = await submitted(lab, engine)
    await over(engine, job_id)
    await engine.health()
    os.killpg(lab.broker.pid, signal.SIGSTOP)
    try:
        asked = [asyncio.create_task(engine.health()) for _ in range(12)]
        views = await asyncio.gather(*(engine.view(job_id) for _ in range(3)))
        assert not any(health.reachable for health in await asyncio.gather(*asked))
    finally:
        os.killpg(lab.broker.pid, signal.SIGCONT)
    assert {view.status for view in views} == {JobStatus.SUCCEEDED}
