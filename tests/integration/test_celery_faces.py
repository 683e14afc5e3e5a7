"""Face sessions on Celery with a real broker, a real clock and real workers."""

import asyncio
import multiprocessing
import os
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pytest
from PIL import Image
from sqlalchemy import text

from celery_impl.engine import CeleryEngine, create_engine
from celery_impl.kept_by_us.face_waits import FaceWaits
from shared.domain.errors import BadRequest, JobOver
from shared.domain.faces import FACE_SIMILARITY, IMAGE, VIDEO
from shared.domain.ids import JobId
from shared.domain.status import JobStatus, RecordKind
from shared.policy import CLOSE_SESSION, COMPARE_FACES, policy_of
from shared.settings import Settings
from tests.integration.celery_lab import Lab, running_lab, until
from tests.integration.celery_sessions import (
    ANOTHER,
    BORDERLINE,
    DOCUMENT,
    NOBODY,
    SAME,
    Engines,
    comparisons,
    ends,
    opened,
    provided,
    reached,
    succeeded,
)
from tests.media import png

pytest_plugins = ("tests.integration.celery_fixtures",)


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with running_lab(tmp_path_factory.mktemp("faces"), "hardened", purge_every_s=1.0) as lab:
        lab.beat()
        lab.worker("cpu", "cpu-0")
        lab.worker("gpu", "gpu-0")
        yield lab


@pytest.fixture
async def engine(lab: Lab, engines: Engines) -> CeleryEngine:
    return await engines(lab)


@pytest.mark.parametrize("slots", [(IMAGE, VIDEO), (VIDEO, IMAGE), (VIDEO, VIDEO, IMAGE, IMAGE)])
async def test_files_in_any_order_and_however_often_are_compared_once(
    lab: Lab, engine: CeleryEngine, slots: tuple[str, ...]
) -> None:
    job_id = await opened(lab, engine)
    files = {IMAGE: DOCUMENT, VIDEO: SAME}
    for slot in slots:
        await reached(engine, job_id, JobStatus.WAITING, JobStatus.RUNNING, JobStatus.SUCCEEDED)
        await engine.provide(job_id, slot, lab.upload(job_id, slot, files[slot]))
    result = await succeeded(engine, job_id)
    assert (result["match"], result["decision"], result["similarity"]) == (True, "match", 1.0)
    assert comparisons(lab, job_id) == 1
    assert lab.applied(job_id) == ["notify_user"]
    assert not lab.messages(job_id)
    with pytest.raises(JobOver):
        await engine.provide(job_id, slots[0], lab.upload(job_id, slots[0], files[slots[0]]))


@pytest.mark.parametrize(("video", "decision"), [(ANOTHER, "no_match"), (NOBODY, "no_face")])
async def test_a_clear_answer_needs_no_person(
    lab: Lab, engine: CeleryEngine, video: bytes, decision: str
) -> None:
    job_id = await provided(lab, engine, await opened(lab, engine), video)
    result = await succeeded(engine, job_id)
    assert (result["match"], result["decision"]) == (False, decision)
    assert lab.applied(job_id) == ["notify_user"]


def _provide_in_turn(settings: Settings, slot: str, files: list[tuple[JobId, str]]) -> None:
    async def provide() -> None:
        engine = create_engine(settings)
        await engine.start()
        for job_id, sha256 in files:
            await engine.provide(job_id, slot, sha256)
        await engine.close()

    asyncio.run(provide())


async def test_files_from_two_processes_at_once_are_compared_once(
    lab: Lab, engine: CeleryEngine
) -> None:
    job_ids = [await opened(lab, engine) for _ in range(4)]
    files = {
        slot: [(job_id, lab.upload(job_id, slot, data)) for job_id in job_ids]
        for slot, data in ((IMAGE, DOCUMENT), (VIDEO, SAME))
    }
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(2, mp_context=context) as pool:
        calls = [pool.submit(_provide_in_turn, lab.settings, *item) for item in files.items()]
        await asyncio.gather(*map(asyncio.wrap_future, calls))
    for job_id in job_ids:
        await succeeded(engine, job_id)
        assert comparisons(lab, job_id) == 1


async def test_a_session_that_waits_is_held(lab: Lab, engine: CeleryEngine) -> None:
    job_id = await opened(lab, engine)
    await reached(engine, job_id, JobStatus.WAITING)
    await engine.provide(job_id, IMAGE, lab.upload(job_id, IMAGE, DOCUMENT))
    trace = await engine.trace(job_id)
    assert (trace.held, trace.where, trace.due_in_s) == (True, "waiting for files: video", None)
    with pytest.raises(JobOver):
        await engine.review(job_id, approved=True, reviewer="grace")
    with pytest.raises(BadRequest):
        await engine.provide(job_id, "passport", "aa")


async def test_the_deadline_ends_a_session_with_the_files_it_had(
    lab: Lab, engines: Engines
) -> None:
    engine = await engines(lab, input_deadline_s=0.8)
    job_id = await opened(lab, engine)
    sha256 = lab.upload(job_id, VIDEO, SAME)
    await engine.provide(job_id, VIDEO, sha256)
    view = await reached(engine, job_id, JobStatus.TIMED_OUT)
    assert view.result == {"inputs": [VIDEO]}
    with pytest.raises(JobOver):
        await engine.provide(job_id, VIDEO, sha256)
    assert comparisons(lab, job_id) == 0
    assert lab.applied(job_id) == []
    assert lab.ended(job_id, CLOSE_SESSION)


async def test_the_last_file_and_the_deadline_settle_one_way(
    lab: Lab, engine: CeleryEngine
) -> None:
    async def race(early_s: float) -> None:
        job_id = await opened(lab, engine)
        await engine.provide(job_id, IMAGE, lab.upload(job_id, IMAGE, DOCUMENT))
        sha256 = lab.upload(job_id, VIDEO, SAME)
        deadline_s = time.time() + 0.5
        ends(lab, job_id, deadline_s)
        await asyncio.sleep(max(0.0, deadline_s - early_s - time.time()))
        try:
            await engine.provide(job_id, VIDEO, sha256)
        except JobOver:
            view = await reached(engine, job_id, JobStatus.TIMED_OUT)
            assert view.result == {"inputs": [IMAGE]}
            assert comparisons(lab, job_id) == 0
        else:
            await succeeded(engine, job_id)
            assert comparisons(lab, job_id) == 1

    await asyncio.gather(*(race(early_s) for early_s in (0.1, 0.03, 0.01, 0.0, -0.01, -0.1)))


async def in_review(lab: Lab, engine: CeleryEngine) -> JobId:
    job_id = await provided(lab, engine, await opened(lab, engine), BORDERLINE)
    view = await reached(engine, job_id, JobStatus.REVIEW)
    assert view.result is not None, "a reviewer sees the numbers"
    assert view.result["decision"] == "review"
    return job_id


@pytest.mark.parametrize("approved", [True, False])
async def test_a_borderline_answer_is_a_persons(
    lab: Lab, engine: CeleryEngine, approved: bool
) -> None:
    job_id = await in_review(lab, engine)
    assert (await engine.trace(job_id)).where == "waiting for a review"
    assert lab.applied(job_id) == []
    await engine.review(job_id, approved=approved, reviewer="grace")
    result = await succeeded(engine, job_id)
    assert result["match"] is approved
    assert result["decision"] == ("match" if approved else "no_match")
    await engine.review(job_id, approved=approved, reviewer="grace")
    with pytest.raises(JobOver):
        await engine.review(job_id, approved=not approved, reviewer="ada")
    assert lab.applied(job_id) == ["notify_user"]
    assert comparisons(lab, job_id) == 1


async def test_a_review_that_nobody_gives_times_out_with_what_was_compared(
    lab: Lab, engine: CeleryEngine
) -> None:
    job_id = await in_review(lab, engine)
    ends(lab, job_id, time.time())
    with pytest.raises(JobOver):
        await engine.review(job_id, approved=True, reviewer="late")
    view = await reached(engine, job_id, JobStatus.TIMED_OUT)
    assert view.result is not None
    assert view.result["decision"] == "review"
    assert lab.applied(job_id) == []


async def test_a_cancel_ends_a_session_that_waits(lab: Lab, engine: CeleryEngine) -> None:
    waiting = await opened(lab, engine)
    await reached(engine, waiting, JobStatus.WAITING)
    for job_id in (waiting, await in_review(lab, engine)):
        await engine.cancel(job_id)
        view = await reached(engine, job_id, JobStatus.CANCELLED)
        assert (view.result, view.error) == (None, "The client cancelled this job.")
        assert lab.ended(job_id, CLOSE_SESSION)
        with pytest.raises(JobOver):
            await engine.provide(job_id, IMAGE, "aa")


async def test_a_cancel_stops_a_comparison(lab: Lab, engine: CeleryEngine) -> None:
    job_id = await provided(lab, engine, await opened(lab, engine))
    lab.reached(job_id, COMPARE_FACES, 2)
    await engine.cancel(job_id)
    await reached(engine, job_id, JobStatus.CANCELLED)
    assert lab.applied(job_id) == []
    assert lab.ended(job_id, CLOSE_SESSION)


async def test_a_file_that_cannot_be_read_fails_the_session_at_once(
    lab: Lab, engine: CeleryEngine
) -> None:
    job_id = await provided(lab, engine, await opened(lab, engine), b"no video")
    view = await reached(engine, job_id, JobStatus.FAILED)
    assert view.error
    assert comparisons(lab, job_id) == 1
    assert lab.ended(job_id, CLOSE_SESSION)


async def test_a_session_that_the_facade_refused_never_waits(
    lab: Lab, engine: CeleryEngine
) -> None:
    job_id, request = lab.register_session()
    lab.jobs.reject(job_id)
    await engine.submit(job_id, FACE_SIMILARITY, request)
    await reached(engine, job_id, JobStatus.FAILED)
    with pytest.raises(JobOver):
        await engine.provide(job_id, IMAGE, "aa")


async def test_a_child_that_dies_every_time_fails_the_session_after_three_attempts(
    lab: Lab, engine: CeleryEngine
) -> None:
    job_id = await provided(lab, engine, await opened(lab, engine))
    killed: set[int] = set()
    async with asyncio.timeout(60):
        while not (view := await engine.view(job_id)).status.terminal:
            for record in lab.records(job_id, COMPARE_FACES):
                if record.kind is RecordKind.WORKING and record.pid not in killed:
                    killed.add(record.pid)
                    os.kill(record.pid, signal.SIGKILL)
            await asyncio.sleep(0.02)
    assert view.status is JobStatus.FAILED
    assert comparisons(lab, job_id) == len(killed) == 3
    assert policy_of(COMPARE_FACES).maximum_attempts == 3
    assert lab.ended(job_id, CLOSE_SESSION)
    assert lab.applied(job_id) == []


async def test_uploads_of_sessions_that_were_over_long_ago_are_purged(
    lab: Lab, engine: CeleryEngine
) -> None:
    old = await opened(lab, engine)
    own = png(Image.new("RGB", (65, 48), "white"))
    await engine.provide(old, IMAGE, lab.upload(old, IMAGE, own))
    await engine.provide(old, VIDEO, lab.upload(old, VIDEO, SAME))
    young = await provided(lab, engine, await opened(lab, engine))
    for job_id in (old, young):
        await succeeded(engine, job_id)
    before = lab.uploads.of_job(old)
    with lab.database.begin() as connection:
        connection.execute(
            text("UPDATE uploads SET finished_at_s = 0 WHERE job_id = :job"), {"job": old}
        )
    until(lambda: not lab.uploads.of_job(old), "the purge")
    until(lambda: not _stored(lab, before[IMAGE].sha256), "the file is gone")
    assert _stored(lab, before[VIDEO].sha256)
    assert lab.uploads.of_job(young).keys() == {IMAGE, VIDEO}


def _stored(lab: Lab, sha256: str) -> bool:
    try:
        return bool(lab.upload_store.get(sha256))
    except KeyError:
        return False


async def test_what_was_announced_and_never_published_is_found_by_the_sweeper(
    lab: Lab, engine: CeleryEngine
) -> None:
    job_id = await opened(lab, engine)
    await reached(engine, job_id, JobStatus.WAITING)
    await engine.provide(job_id, IMAGE, lab.upload(job_id, IMAGE, DOCUMENT))
    # The process that brings the last file dies before it can publish anything.
    FaceWaits(lab.database).provide(job_id, VIDEO, lab.upload(job_id, VIDEO, SAME))
    await succeeded(engine, job_id)
    assert comparisons(lab, job_id) == 1


async def test_with_the_default_settings_sessions_wait_and_time_out_all_the_same(
    tmp_path: Path, engines: Engines
) -> None:
    with running_lab(tmp_path, "stock") as lab:
        lab.beat()
        lab.worker("cpu", "cpu-0")
        lab.worker("gpu", "gpu-0")
        engine = await engines(lab)
        late = await opened(lab, await engines(lab, input_deadline_s=0.5))
        await succeeded(engine, await provided(lab, engine, await opened(lab, engine)))
        view = await reached(engine, late, JobStatus.TIMED_OUT)
        assert view.result == {"inputs": []}
