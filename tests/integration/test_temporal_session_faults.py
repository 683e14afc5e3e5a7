"""Face sessions on Temporal while workers or the server are down, each in a cell of its own."""

import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import ExitStack
from itertools import repeat
from pathlib import Path

import pytest
from PIL import Image

from shared.domain.errors import EngineUnavailable, JobOver
from shared.domain.faces import FACE_SIMILARITY, IMAGE, VIDEO
from shared.domain.ids import JobId
from shared.domain.jobs import EngineView
from shared.domain.status import JobStatus, RecordKind
from shared.policy import CLOSE_SESSION, COMPARE_FACES, OPEN_SESSION, POLICIES
from tests import media
from tests.integration.temporal_cell import (
    Cell,
    DevServer,
    MakeCell,
    Sink,
    cell,
    free_port,
    started,
    until,
)

pytest_plugins = ("tests.integration.temporal_fixtures",)

_FRAMES = 40
_FILES = {
    IMAGE: media.jpeg(Image.new("RGB", (64, 48), (200, 200, 200))),
    VIDEO: media.levels_video(repeat(200, _FRAMES)),
}


async def _succeeded(cell: Cell, job_id: JobId) -> EngineView:
    view = await cell.finished(job_id)
    assert (view.status, view.error) == (JobStatus.SUCCEEDED, None)
    assert len(cell.records(job_id, COMPARE_FACES, RecordKind.WORKING)) == 1
    assert cell.sink.of(job_id) == ["notify_user"]
    return view


@pytest.mark.parametrize("profile", ["stock", "hardened", "standalone"])
async def test_files_wait_for_the_first_worker(new_cell: MakeCell, profile: str) -> None:
    cell = new_cell(profile=profile, simulated_step_s=0.01)
    await cell.engine.start()
    job_id, cancelled = await cell.submit_session(), await cell.submit_session()
    for slot, data in _FILES.items():
        for _ in range(2):
            await cell.bring(job_id, slot, data)
    await cell.engine.cancel(cancelled)
    with pytest.raises(JobOver):
        await cell.bring(cancelled, IMAGE, _FILES[IMAGE])
    assert (await cell.engine.view(job_id)).status is JobStatus.ACCEPTED
    assert (await cell.engine.trace(job_id)).held
    await cell.start_workers("cpu", "gpu")
    await _succeeded(cell, job_id)
    assert (await cell.finished(cancelled)).status is JobStatus.CANCELLED
    assert not cell.records(cancelled, COMPARE_FACES)


async def test_a_waiting_session_takes_its_last_file_while_every_worker_is_dead(
    new_cell: MakeCell,
) -> None:
    cell = await started(new_cell, "cpu", "gpu", simulated_step_s=0.01)
    job_id = await cell.submit_session()
    await cell.bring(job_id, VIDEO, _FILES[VIDEO])
    await cell.until_status(job_id, JobStatus.WAITING)
    for name in ("cpu-0", "gpu-1"):
        cell.kill(name)
    await cell.bring(job_id, IMAGE, _FILES[IMAGE])
    assert (await cell.engine.view(job_id)).status is JobStatus.WAITING
    await cell.start_workers("cpu", "gpu")
    await _succeeded(cell, job_id)


async def test_three_dead_workers_fail_the_session_after_exactly_three_executions(
    new_cell: MakeCell,
) -> None:
    attempts = POLICIES[COMPARE_FACES].maximum_attempts
    cell = await started(
        new_cell,
        *("cpu", *["gpu"] * (attempts + 1)),
        detection_budget_s=3,
        frames_per_video=_FRAMES,
    )
    job_id = await cell.submit_session()
    for slot, data in _FILES.items():
        await cell.bring(job_id, slot, data)
    reached = 0
    for _ in range(attempts):
        record = await cell.reached(job_id, COMPARE_FACES, reached + 3)
        cell.kill(record.worker)
        reached = max(
            record.done for record in cell.records(job_id, COMPARE_FACES, RecordKind.PROGRESS)
        )
    view = await cell.finished(job_id)
    assert view.status is JobStatus.FAILED
    assert view.error
    executions = cell.records(job_id, COMPARE_FACES, RecordKind.STARTED)
    assert [record.attempt for record in executions] == list(range(1, attempts + 1))
    assert cell.records(job_id, CLOSE_SESSION, RecordKind.FINISHED)
    assert cell.sink.of(job_id) == []


@pytest.fixture
async def own(tmp_path: Path) -> AsyncIterator[tuple[DevServer, Cell]]:
    """A server of one's own, to be stopped, with a cell whose workers run."""
    server, sink = DevServer(tmp_path, free_port(), ["test-own"]), Sink()
    values = {"namespace": "test-own", "simulated_step_s": 0.01, "input_deadline_s": 8}
    with ExitStack() as ends, cell(tmp_path, server.address, sink, **values) as made:
        ends.callback(sink.stop)
        ends.callback(server.stop)
        server.start()
        await server.ready("test-own")
        await made.engine.start()
        await made.start_workers("cpu", "gpu")
        yield server, made
        await made.engine.close()


async def test_a_server_that_does_not_answer_is_said_fast_and_the_same_call_works_later(
    own: tuple[DevServer, Cell],
) -> None:
    server, cell = own
    job_id, request = cell.new_session()
    calls: list[Callable[[], Awaitable[None]]] = [
        lambda: cell.engine.submit(job_id, FACE_SIMILARITY, request),
        lambda: cell.bring(job_id, VIDEO, _FILES[VIDEO]),
        lambda: cell.engine.review(job_id, approved=True, reviewer="ada"),
    ]
    with server.suspended():
        for call in calls:
            began = time.monotonic()
            with pytest.raises(EngineUnavailable):
                await call()
            assert time.monotonic() - began < 6, "the bound is 2 s; this catches a hang"
    await cell.engine.submit(job_id, FACE_SIMILARITY, request)
    for slot, data in _FILES.items():
        await cell.bring(job_id, slot, data)
    await _succeeded(cell, job_id)


async def test_a_deadline_outlives_every_worker_and_the_server(
    own: tuple[DevServer, Cell],
) -> None:
    server, cell = own
    deadline_s = time.time() + cell.settings.input_deadline_s
    job_id = await cell.submit_session()
    await cell.bring(job_id, IMAGE, _FILES[IMAGE])
    await cell.until_status(job_id, JobStatus.WAITING)
    for name in ("cpu-0", "gpu-1"):
        cell.kill(name)
    server.stop()
    await until("the deadline has passed", lambda: time.time() > deadline_s + 1)
    server.start()
    await server.ready("test-own")
    # No worker is there to act on it, yet a late file is late.
    assert (await cell.engine.view(job_id)).status is JobStatus.WAITING
    with pytest.raises(JobOver):
        await cell.bring(job_id, VIDEO, _FILES[VIDEO])
    await cell.start_workers("cpu", "gpu")
    view = await cell.finished(job_id)
    assert (view.status, view.result) == (JobStatus.TIMED_OUT, {"inputs": [IMAGE]})
    steps = {record.step for record in cell.records(job_id)}
    assert steps == {OPEN_SESSION, CLOSE_SESSION}
