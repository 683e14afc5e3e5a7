"""A message that vanishes from Redis in the middle of a flow is missed, and sent again."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from PIL import Image

from celery_impl.engine import CeleryEngine, create_engine
from shared.domain.faces import FACE_SIMILARITY, IMAGE, VIDEO
from shared.domain.ids import JobId
from shared.domain.jobs import IMAGE_GENERATION
from shared.domain.status import JobStatus, RecordKind
from tests.integration.celery_lab import ONCE, Lab, over, running_lab, until
from tests.media import levels_video, png

DOCUMENT, SELFIE = png(Image.new("RGB", (64, 48), "white")), levels_video([255] * 20)
STEPS = {
    "reserve_credits",
    "generate_image/0",
    "generate_image/1",
    "assemble",
    "capture_credits",
    "notify_user",
}


@contextmanager
def dying_workers(folder: Path, crash_point: str) -> Iterator[Lab]:
    """A lab whose workers die once at this point of each job, and a clock."""
    with running_lab(folder, "hardened", crash_point=crash_point) as lab:
        lab.beat()
        yield lab


@pytest.fixture
async def engines() -> AsyncIterator[list[CeleryEngine]]:
    engines: list[CeleryEngine] = []
    yield engines
    for engine in engines:
        await engine.close()


async def submitted(lab: Lab, engines: list[CeleryEngine]) -> tuple[CeleryEngine, JobId]:
    engine = create_engine(lab.settings)
    engines.append(engine)
    await engine.start()
    job_id, request = lab.register(n=2)
    await engine.submit(job_id, IMAGE_GENERATION, request)
    return engine, job_id


def lose(lab: Lab, job_id: str, step: str) -> None:
    """Delete the message of a step, wherever Redis has it; fails if there is none."""
    redis, wanted = lab.queues.redis, f"{job_id}/{step}".encode()
    held = until(
        lambda: [message for message in lab.messages(job_id) if message.step == step],
        f"a message of {step}",
    )
    if held[0].delivered_at_s is None:
        queue = f"lab:{held[0].queue}"
        for raw in redis.lrange(queue, 0, -1):
            if wanted in raw:
                redis.lrem(queue, 0, raw)
    for tag, raw in redis.hgetall("lab:unacked").items():
        if wanted in raw:
            redis.hdel("lab:unacked", tag)
            redis.zrem("lab:unacked_index", tag)
    assert step not in {message.step for message in lab.messages(job_id)}


async def placed(engine: CeleryEngine, job_id: JobId, where: str) -> None:
    """Wait until the trace says so: the step before holds its message until it is acknowledged."""
    async with asyncio.timeout(30):
        while (await engine.trace(job_id)).where != where:
            await asyncio.sleep(0.05)


def finished(lab: Lab, job_id: str) -> list[str]:
    return [r.step for r in lab.records(job_id) if r.kind is RecordKind.FINISHED]


async def test_a_lost_member_of_the_fan_out_is_made_and_the_other_one_not_again(
    tmp_path: Path, engines: list[CeleryEngine]
) -> None:
    with running_lab(tmp_path, "hardened") as lab:
        lab.beat()
        lab.worker("cpu", "cpu-0")
        engine, job_id = await submitted(lab, engines)
        lose(lab, job_id, "generate_image/1")
        await placed(engine, job_id, "to be published again: a lost member")
        lab.worker("gpu", "gpu-0")
        view = await over(engine, job_id)
        assert view.status is JobStatus.SUCCEEDED
        assert lab.applied(job_id) == ONCE
        assert sorted(finished(lab, job_id)) == sorted(STEPS)


@pytest.mark.parametrize("step", ["assemble", "capture_credits"], ids=["chord body", "chain next"])
async def test_a_message_that_dies_with_its_worker_is_sent_again(
    tmp_path: Path, engines: list[CeleryEngine], step: str
) -> None:
    with dying_workers(tmp_path, f"kill@before_work:{step}") as lab:
        struck = lab.worker("cpu", "cpu-0")
        lab.worker("gpu", "gpu-0")
        engine, job_id = await submitted(lab, engines)
        struck.wait()
        lose(lab, job_id, step)
        assert (await engine.trace(job_id)).held
        lab.worker("cpu", "cpu-1")
        view = await over(engine, job_id)
        assert view.status is JobStatus.SUCCEEDED
        assert lab.applied(job_id) == ONCE
        assert sorted(finished(lab, job_id)) == sorted(STEPS)


async def test_a_lost_compensation_is_sent_again(
    tmp_path: Path, engines: list[CeleryEngine]
) -> None:
    with dying_workers(tmp_path, "kill@before_work:release_credits") as lab:
        struck = lab.worker("cpu", "cpu-0")
        lab.worker("gpu", "gpu-0")
        engine, job_id = await submitted(lab, engines)
        lab.reached(job_id, "generate_image/0", 2)
        await engine.cancel(job_id)
        struck.wait()
        # An errback has an id of its own, so everything is lost that the job has left.
        lab.queues.redis.delete("lab:unacked", "lab:unacked_index", "lab:cpu", "lab:gpu")
        lab.worker("cpu", "cpu-1")
        view = await over(engine, job_id)
        assert view.status is JobStatus.CANCELLED
        assert lab.applied(job_id) == ["reserve_credits", "release_credits"]


async def test_a_session_goes_on_from_the_step_whose_message_is_lost(
    tmp_path: Path, engines: list[CeleryEngine]
) -> None:
    with dying_workers(tmp_path, "kill@before_effect:notify_user") as lab:
        struck = lab.worker("cpu", "cpu-0")
        lab.worker("gpu", "gpu-0")
        engine = create_engine(lab.settings)
        engines.append(engine)
        await engine.start()
        job_id, request = lab.register_session()
        await engine.submit(job_id, FACE_SIMILARITY, request)
        for slot, data in ((IMAGE, DOCUMENT), (VIDEO, SELFIE)):
            await engine.provide(job_id, slot, lab.upload(job_id, slot, data))
        struck.wait()
        lose(lab, job_id, "notify_user")
        lab.worker("cpu", "cpu-1")
        view = await over(engine, job_id)
        assert view.status is JobStatus.SUCCEEDED
        assert lab.applied(job_id) == ["notify_user"]
