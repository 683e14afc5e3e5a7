"""The renewed profile with a real broker, real workers and real kills."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from celery_impl.app import build_app
from celery_impl.engine import CeleryEngine, create_engine
from celery_impl.kept_by_us.renewal import Lease
from shared.domain.ids import JobId
from shared.domain.impact import Impact
from shared.domain.jobs import IMAGE_GENERATION
from shared.domain.status import JobStatus, RecordKind
from tests.integration.celery_lab import (
    BUDGET_S,
    ONCE,
    Lab,
    StartWorker,
    over,
    running_lab,
    until,
)

FIRST = "generate_image/0"
STEP_S = 0.1
TIMEOUT_S = BUDGET_S - 1
STEPS_PER_TIMEOUT = round(TIMEOUT_S / STEP_S)

pytest_plugins = ("tests.integration.celery_fixtures",)


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    folder = tmp_path_factory.mktemp("renewed")
    with running_lab(folder, "renewed", simulated_step_s=STEP_S) as lab:
        lab.worker("cpu", "cpu-0")
        yield lab


async def submitted(lab: Lab, engine: CeleryEngine, *, n: int = 1, timeouts: int = 1) -> JobId:
    """Submit a job whose pictures take so many visibility timeouts each."""
    job_id, request = lab.register(n=n, steps=timeouts * STEPS_PER_TIMEOUT)
    await engine.submit(job_id, IMAGE_GENERATION, request)
    return job_id


def started(lab: Lab, job_id: JobId, step: str = FIRST) -> list[int]:
    """The attempts of a step that have begun, in order."""
    return [r.attempt for r in lab.records(job_id, step) if r.kind is RecordKind.STARTED]


async def test_a_healthy_step_of_four_visibility_timeouts_is_delivered_once(
    lab: Lab, engine: CeleryEngine, gpu: StartWorker
) -> None:
    gpu("gpu-long-left")
    gpu("gpu-long-right")
    job_id = await submitted(lab, engine, timeouts=4)
    assert (await over(engine, job_id)).status is JobStatus.SUCCEEDED
    assert started(lab, job_id) == [1]
    assert lab.applied(job_id) == ONCE


async def test_a_killed_workers_step_is_taken_up_within_the_bound_of_its_last_renewal(
    lab: Lab, engine: CeleryEngine, gpu: StartWorker
) -> None:
    workers = {name: gpu(name) for name in ("gpu-left", "gpu-right")}
    job_id = await submitted(lab, engine, timeouts=4)
    struck = lab.reached(job_id, FIRST, 2 * STEPS_PER_TIMEOUT)
    workers[struck.worker].kill()
    trace = await engine.trace(job_id)
    assert trace.due_in_s is not None
    assert 0 < trace.due_in_s <= (engine.bounds()[Impact.KILLED].seconds or 0)
    assert (await over(engine, job_id)).status is JobStatus.SUCCEEDED
    assert started(lab, job_id) == [1, 2]
    assert lab.applied(job_id) == ONCE


async def test_a_frozen_worker_stops_renewing_and_leaves_its_successors_lease_alone(
    lab: Lab, engine: CeleryEngine, gpu: StartWorker
) -> None:
    workers = {name: gpu(name) for name in ("gpu-cold", "gpu-warm")}
    job_id = await submitted(lab, engine, timeouts=4)
    struck = lab.reached(job_id, FIRST, 2 * STEPS_PER_TIMEOUT)
    frozen = workers[struck.worker]
    os.killpg(frozen.pid, signal.SIGSTOP)
    until(lambda: started(lab, job_id) == [1, 2], "the step is handed out again")
    os.killpg(frozen.pid, signal.SIGCONT)
    assert (await over(engine, job_id)).status is JobStatus.SUCCEEDED
    assert "is no longer held here" in frozen.log.read_text()
    assert lab.applied(job_id) == ONCE


async def test_a_message_that_waits_for_a_busy_worker_stays_in_its_queue_and_is_not_renewed(
    lab: Lab, engine: CeleryEngine, gpu: StartWorker
) -> None:
    gpu("gpu-busy")
    job_id = await submitted(lab, engine, n=2, timeouts=2)
    first = lab.reached(job_id, FIRST, 1 + STEPS_PER_TIMEOUT)
    held = {message.step: message.queue for message in lab.messages(job_id)}
    unacked = {m.step for m in lab.messages(job_id) if m.delivered_at_s is not None}
    assert held == {FIRST: "gpu", "generate_image/1": "gpu"}
    assert unacked == {first.step}
    assert (await over(engine, job_id)).status is JobStatus.SUCCEEDED
    assert started(lab, job_id, "generate_image/1") == [1]


async def test_a_job_survives_a_restart_of_the_broker_in_the_middle_of_a_step(
    tmp_path: Path,
) -> None:
    with running_lab(tmp_path, "renewed", simulated_step_s=STEP_S) as lab:
        lab.worker("cpu", "cpu-0")
        workers = {name: lab.worker("gpu", name) for name in ("gpu-0", "gpu-1")}
        engine = create_engine(lab.settings)
        await engine.start()
        job_id = await submitted(lab, engine, timeouts=4)
        struck = lab.reached(job_id, FIRST, STEPS_PER_TIMEOUT)
        log = workers[struck.worker].log
        lab.redis.kill()
        until(lambda: "could not renew the lease" in log.read_text(), "a renewal fails")
        lab.start_redis()
        assert (await over(engine, job_id)).status is JobStatus.SUCCEEDED
        assert lab.applied(job_id) == ONCE
        # The repeat after the reconnection waits for the running one and takes its result.
        worked = [r for r in lab.records(job_id, FIRST) if r.kind is RecordKind.WORKING]
        assert [r.attempt for r in worked] == [1]
        await engine.close()


class Delivery:
    """A message that kombu itself has published and delivered, as a worker's parent gets it."""

    def __init__(self, lab: Lab) -> None:
        self._connection = build_app(lab.settings).connection_for_write()
        self.channel: Any = self._connection.channel()
        queue = self._connection.SimpleQueue("gpu", channel=self.channel)
        queue.put({})
        self._message = queue.get(timeout=5)
        self.tag: str = self._message.delivery_tag
        self._client = lab.queues.redis
        self._index = f"{lab.settings.namespace}:unacked_index"

    def score(self) -> float | None:
        """When kombu believes it to have been delivered."""
        at: float | None = self._client.zscore(self._index, self.tag)
        return at

    def lease(self) -> Lease:
        return Lease(self._client, self._index, self.tag, 0.05)

    def restore(self) -> None:
        """Give it back to its queue, as a sweep does."""
        self.channel.qos.restore_by_tag(self.tag)

    def acknowledge(self) -> None:
        """Acknowledge the first delivery."""
        self._message.ack()

    def deliver_again(self) -> float | None:
        """Take it once more; return the moment of that delivery."""
        self.channel.qos.append(self._message, self.tag)
        return self.score()

    def close(self) -> None:
        self._connection.close()


@pytest.fixture
def delivery(tmp_path: Path) -> Iterator[Delivery]:
    with running_lab(tmp_path, "renewed") as lab:
        delivery = Delivery(lab)
        yield delivery
        delivery.close()


def test_a_lease_moves_the_moment_from_which_kombu_counts_the_visibility_timeout(
    delivery: Delivery,
) -> None:
    delivered_at = delivery.score()
    assert delivered_at is not None
    lease = delivery.lease()
    lease.begin()
    until(lambda: (delivery.score() or 0.0) > delivered_at, "the score has moved")
    lease.end()


def test_a_lease_renews_neither_a_message_that_is_gone_nor_one_delivered_anew(
    delivery: Delivery,
) -> None:
    lease = delivery.lease()
    assert lease.renew()
    delivery.restore()
    assert not lease.renew()
    assert delivery.score() is None
    anew = delivery.deliver_again()
    assert not lease.renew()
    assert delivery.score() == anew


def test_an_old_deliverys_acknowledgement_removes_its_successors_copy(delivery: Delivery) -> None:
    delivery.restore()
    assert delivery.deliver_again() is not None
    delivery.acknowledge()
    assert delivery.score() is None
