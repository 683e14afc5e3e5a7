"""Face sessions on Celery outlive a killed worker, and an outage of everything."""

import asyncio
import time
from pathlib import Path

import pytest

from celery_impl.kept_by_us.publication import Publications
from celery_impl.kept_by_us.state import JobStates
from shared.domain.errors import EngineUnavailable, JobOver
from shared.domain.faces import IMAGE, VIDEO
from shared.domain.jobs import IMAGE_GENERATION
from shared.domain.status import JobStatus, RecordKind
from shared.policy import COMPARE_FACES, OPEN_SESSION
from tests.integration.celery_lab import BUDGET_S, Process, running_lab, until
from tests.integration.celery_sessions import (
    DOCUMENT,
    SAME,
    Engines,
    comparisons,
    opened,
    provided,
    reached,
    succeeded,
)

pytest_plugins = ("tests.integration.celery_fixtures",)


async def test_a_worker_that_is_killed_while_it_compares_is_replaced(
    tmp_path: Path, engines: Engines
) -> None:
    with running_lab(tmp_path, "hardened") as lab:
        engine = await engines(lab)
        lab.worker("cpu", "cpu-0")
        struck = lab.worker("gpu", "gpu-0")
        job_id = await provided(lab, engine, await opened(lab, engine))
        lab.reached(job_id, COMPARE_FACES, 5)
        struck.kill()
        lab.worker("gpu", "gpu-1")
        result = await succeeded(engine, job_id)
        assert result["match"] is True
        resumed = [r for r in lab.records(job_id, COMPARE_FACES) if r.worker == "gpu-1"]
        first = next(record for record in resumed if record.kind is RecordKind.PROGRESS)
        assert first.done >= 2
        assert lab.applied(job_id) == ["notify_user"]


async def test_sessions_outlive_an_outage_of_everything(tmp_path: Path, engines: Engines) -> None:
    with running_lab(tmp_path, "hardened") as lab:
        engine, hasty = await engines(lab), await engines(lab, input_deadline_s=1.0)
        states = JobStates(lab.database)

        # Every worker is down.
        complete = await provided(lab, engine, await opened(lab, engine))
        late = await opened(lab, hasty)
        await hasty.provide(late, IMAGE, lab.upload(late, IMAGE, DOCUMENT))
        beat = lab.beat()
        queued = until(lambda: lab.queues.waiting("sweep"), "the clock ticks")
        assert (await engine.view(complete)).status is JobStatus.ACCEPTED

        # Redis is down as well, from before the last file of this session on.
        half = await opened(lab, engine)
        await engine.provide(half, IMAGE, lab.upload(half, IMAGE, DOCUMENT))
        lab.redis.kill()
        for slot, data in ((IMAGE, DOCUMENT), (VIDEO, SAME)):
            async with asyncio.timeout(10):
                with pytest.raises(EngineUnavailable):
                    await engine.provide(half, slot, lab.upload(half, slot, data))
        assert (await engine.view(half)).status is JobStatus.ACCEPTED
        lab.start_redis()
        await provided(lab, engine, half)

        # The clock goes on by itself, and piled nothing up meanwhile.
        assert queued == lab.queues.waiting("sweep") == 1
        _stops_cleanly(beat)

        # The deadline passes while there is neither a worker nor a clock.
        deadline_s = states.job(late).deadline_s
        assert deadline_s is not None
        until(lambda: time.time() > deadline_s, "the deadline passes")
        with pytest.raises(JobOver):
            await hasty.provide(late, VIDEO, lab.upload(late, VIDEO, SAME))

        # The broker loses what nobody has begun; a flow was claimed by a process that died.
        lost = await opened(lab, engine)
        lab.queues.redis.delete("lab:cpu")
        picture, request = lab.register()
        states.add(picture, IMAGE_GENERATION, request, first_step="reserve_credits")
        assert Publications(lab.database).claim(picture, "reserve_credits", 0.0)
        assert (await engine.trace(lost)).where == f"to be published by the sweeper: {OPEN_SESSION}"

        lab.worker("cpu", "cpu-0")
        lab.worker("gpu", "gpu-0")
        lab.beat("beat-again")
        view = await reached(engine, late, JobStatus.TIMED_OUT)
        assert view.result == {"inputs": [IMAGE]}
        await reached(engine, lost, JobStatus.WAITING, limit_s=10 * BUDGET_S)
        await succeeded(engine, picture)
        for job_id in (complete, half):
            await succeeded(engine, job_id)
            assert comparisons(lab, job_id) == 1
        assert comparisons(lab, late) == 0


def _stops_cleanly(beat: Process) -> None:
    beat.terminate()
    assert beat.wait(10) == 0
    assert beat.folder is not None
    assert list(beat.folder.iterdir()) == []
