"""Face sessions on Temporal: a real development server, one cell of real workers, their files.

The embedder is simulated: two pictures of one grey match, and a dark one has no face.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from itertools import repeat

import pytest
import pytest_asyncio
from PIL import Image
from temporalio.client import ScheduleDescription, WorkflowExecutionStatus

from shared.domain.errors import BadRequest, JobOver
from shared.domain.faces import FACE_SIMILARITY, IMAGE, VIDEO
from shared.domain.ids import JobId, new_job_id
from shared.domain.jobs import EngineView
from shared.domain.status import JobStatus, RecordKind
from shared.policy import CLOSE_SESSION, COMPARE_FACES, OPEN_SESSION, SAVE_RESULT
from shared.settings import Settings
from temporal_impl.engine import create_engine
from temporal_impl.schedules import PURGE_UPLOADS, ensure_purge_schedule
from tests import media
from tests.contract.racing import in_processes
from tests.integration.temporal_cell import Cell, DevServer, Sink, until
from tests.integration.temporal_cell import cell as running_cell

pytest_plugins = ("tests.integration.temporal_fixtures",)
pytestmark = pytest.mark.asyncio(loop_scope="module")

_STEPS = [OPEN_SESSION, COMPARE_FACES, SAVE_RESULT, "notify_user", CLOSE_SESSION]
_EVERY = timedelta(hours=1)


def _grey(level: int) -> bytes:
    return media.jpeg(Image.new("RGB", (64, 48), (level, level, level)))


_FILES = {IMAGE: _grey(200), VIDEO: media.levels_video(repeat(200, 16))}
_ALIKE = _grey(112)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def cell(
    server: DevServer, namespaces: Iterator[str], tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Cell]:
    namespace, sink = next(namespaces), Sink()
    await server.ready(namespace)
    with running_cell(
        tmp_path_factory.mktemp("sessions"),
        server.address,
        sink,
        namespace=namespace,
        simulated_step_s=0.05,
        upload_retention_s=0,
        purge_every_s=_EVERY.total_seconds(),
    ) as made:
        await made.engine.start()
        await made.start_workers("cpu", "gpu")
        yield made
        await made.engine.close()
    sink.stop()


def _steps(cell: Cell, job_id: JobId) -> list[str]:
    return [record.step for record in cell.records(job_id, kind=RecordKind.WORKING)]


async def _succeeded(cell: Cell, job_id: JobId, decision: str = "match") -> EngineView:
    """Wait for the end, and make sure that every step has run exactly once."""
    view = await cell.finished(job_id)
    assert (view.status, view.error) == (JobStatus.SUCCEEDED, None)
    assert view.result is not None
    assert view.result["decision"] == decision
    assert _steps(cell, job_id) == _STEPS
    assert cell.sink.of(job_id) == ["notify_user"]
    return view


async def _in_review(cell: Cell) -> JobId:
    job_id = await cell.submit_session()
    await cell.bring(job_id, IMAGE, _ALIKE)
    await cell.bring(job_id, VIDEO, _FILES[VIDEO])
    view = await cell.until_status(job_id, JobStatus.REVIEW)
    assert view.result is not None, "a reviewer sees the numbers"
    assert view.result["decision"] == "review"
    return job_id


@pytest.mark.parametrize("slots", [(IMAGE, VIDEO), (VIDEO, IMAGE)])
async def test_files_come_in_any_order_and_again_and_one_comparison_runs(
    cell: Cell, slots: tuple[str, str]
) -> None:
    first, last = slots
    job_id = await cell.submit_session()
    await cell.until_status(job_id, JobStatus.WAITING)
    for _ in range(2):
        await cell.bring(job_id, first, _FILES[first])
    trace = await until("the file is seen", lambda: _waits_for(cell, job_id, last))
    assert trace.due_in_s is None
    for _ in range(2):
        await cell.bring(job_id, last, _FILES[last])
    view = await _succeeded(cell, job_id)
    assert view.result is not None
    assert view.result["match"] is True
    for slot in slots:
        with pytest.raises(JobOver):
            await cell.bring(job_id, slot, _FILES[slot])
    assert not (await cell.engine.trace(job_id)).held
    # Neither a late file nor a repeated submit has changed anything.
    await cell.engine.submit(job_id, FACE_SIMILARITY, cell.jobs.get(job_id).request)
    assert await cell.engine.view(job_id) == view


async def _waits_for(cell: Cell, job_id: JobId, slot: str) -> object:
    trace = await cell.engine.trace(job_id)
    return trace if trace.held and trace.where == f"waiting for files: {slot}" else None


def _bring_all(settings_and_jobs: str, number: int) -> None:
    """Tell the engine of one slot's file in every session, from a process of its own."""
    settings, _, jobs = settings_and_jobs.partition("#")
    engine = create_engine(Settings.model_validate_json(settings))

    async def bring() -> None:
        await engine.start()
        for job in jobs.split(","):
            job_id, _, files = job.partition(":")
            slot = (IMAGE, VIDEO)[number % 2]
            await engine.provide(JobId(job_id), slot, files.split("/")[number % 2])
        await engine.close()

    asyncio.run(bring())


async def test_files_from_several_processes_at_once_make_one_comparison(cell: Cell) -> None:
    hashes = "/".join(cell.upload_store.put(_FILES[slot]) for slot in (IMAGE, VIDEO))
    job_ids = [await cell.submit_session() for _ in range(3)]
    jobs = ",".join(f"{job_id}:{hashes}" for job_id in job_ids)
    given = f"{cell.settings.model_dump_json(exclude_none=True)}#{jobs}"
    await asyncio.to_thread(in_processes, 4, _bring_all, given)
    for job_id in job_ids:
        await _succeeded(cell, job_id)


@pytest.mark.parametrize(("approved", "decision"), [(True, "match"), (False, "no_match")])
async def test_the_first_verdict_stands_and_may_be_given_again(
    cell: Cell, approved: bool, decision: str
) -> None:
    review = cell.engine.review
    job_id = await _in_review(cell)
    assert (await cell.engine.trace(job_id)).where == "waiting for a review"
    await review(job_id, approved=approved, reviewer="ada")
    view = await _succeeded(cell, job_id, decision)
    assert view.result is not None
    assert view.result["match"] is approved
    await review(job_id, approved=approved, reviewer="ada")
    for other in ({"approved": not approved, "reviewer": "ada"}, {"reviewer": "bob"}):
        with pytest.raises(JobOver):
            await review(job_id, **{"approved": approved, **other})  # type: ignore[arg-type]
    assert await cell.engine.view(job_id) == view


async def test_a_verdict_before_the_review_is_refused(cell: Cell) -> None:
    job_id = await cell.submit_session()
    await cell.until_status(job_id, JobStatus.WAITING)
    for unready in (job_id, new_job_id()):
        with pytest.raises(JobOver):
            await cell.engine.review(unready, approved=True, reviewer="ada")
    await cell.engine.cancel(job_id)


async def test_deadlines_end_a_session_with_what_it_had(cell: Cell) -> None:
    short = {"input_deadline_s": 3.0, "review_deadline_s": 0.5}
    hasty = create_engine(cell.settings.model_copy(update=short))
    await hasty.start()
    one, borderline = cell.new_session(), cell.new_session()
    for job_id, request in (one, borderline):
        await hasty.submit(job_id, FACE_SIMILARITY, request)
    await cell.bring(borderline[0], IMAGE, _ALIKE)
    await cell.bring(borderline[0], VIDEO, _FILES[VIDEO])
    await cell.bring(one[0], IMAGE, _FILES[IMAGE])
    view = await cell.finished(one[0])
    assert (view.status, view.result) == (JobStatus.TIMED_OUT, {"inputs": [IMAGE]})
    with pytest.raises(JobOver):
        await cell.bring(one[0], VIDEO, _FILES[VIDEO])
    view = await cell.finished(borderline[0])
    assert view.status is JobStatus.TIMED_OUT
    assert view.result is not None
    assert (view.result["decision"], view.result["match"]) == ("review", False)
    with pytest.raises(JobOver):
        await hasty.review(borderline[0], approved=True, reviewer="ada")
    assert _steps(cell, one[0]) == [OPEN_SESSION, CLOSE_SESSION]
    assert _steps(cell, borderline[0]) == [OPEN_SESSION, COMPARE_FACES, CLOSE_SESSION]
    assert cell.sink.of(one[0]) == cell.sink.of(borderline[0]) == []
    await hasty.close()


async def test_no_face_is_a_result(cell: Cell) -> None:
    job_id = await cell.submit_session()
    await cell.bring(job_id, IMAGE, _grey(0))
    await cell.bring(job_id, VIDEO, _FILES[VIDEO])
    await _succeeded(cell, job_id, "no_face")


async def test_a_file_that_cannot_be_read_fails_the_session_at_the_first_attempt(
    cell: Cell,
) -> None:
    job_id = await cell.submit_session()
    await cell.bring(job_id, IMAGE, media.TEXT)
    await cell.bring(job_id, VIDEO, _FILES[VIDEO])
    view = await cell.finished(job_id)
    assert view.status is JobStatus.FAILED
    assert view.error
    assert _steps(cell, job_id) == [OPEN_SESSION, COMPARE_FACES, CLOSE_SESSION]


@pytest.mark.parametrize("compares", [False, True])
async def test_a_cancel_ends_the_wait_or_the_comparison(cell: Cell, compares: bool) -> None:
    job_id = await cell.submit_session()
    await cell.until_status(job_id, JobStatus.WAITING)
    if compares:
        for slot, data in _FILES.items():
            await cell.bring(job_id, slot, data)
        await cell.reached(job_id, COMPARE_FACES, 1)
    await cell.engine.cancel(job_id)
    assert (await cell.finished(job_id)).status is JobStatus.CANCELLED
    compared = [COMPARE_FACES] if compares else []
    assert _steps(cell, job_id) == [OPEN_SESSION, *compared, CLOSE_SESSION]
    assert cell.sink.of(job_id) == []
    with pytest.raises(JobOver):
        await cell.bring(job_id, VIDEO, _FILES[VIDEO])


async def test_a_refused_submission_never_runs(cell: Cell) -> None:
    job_id, request = cell.new_session()
    cell.jobs.reject(job_id)
    await cell.engine.submit(job_id, FACE_SIMILARITY, request)
    view = await cell.finished(job_id)
    assert view.status is JobStatus.FAILED
    assert view.error is not None
    assert "refused" in view.error
    assert COMPARE_FACES not in _steps(cell, job_id)


async def test_what_is_no_session_takes_no_file(cell: Cell) -> None:
    job_id = await cell.submit(steps=1)
    with pytest.raises(BadRequest):
        await cell.engine.provide(job_id, IMAGE, "0" * 64)
    with pytest.raises(BadRequest):
        await cell.engine.provide(await cell.submit_session(), "passport", "0" * 64)
    with pytest.raises(JobOver):
        await cell.engine.provide(new_job_id(), IMAGE, "0" * 64)


async def test_the_schedule_purges_finished_sessions_and_leaves_the_others(cell: Cell) -> None:
    image, video = _grey(90), media.levels_video(repeat(90, 4))
    done, open_ = await cell.submit_session(), await cell.submit_session()
    await cell.bring(open_, IMAGE, image)
    await cell.bring(done, IMAGE, image)
    await cell.bring(done, VIDEO, video)
    await _succeeded(cell, done)
    handle = (await cell.client()).get_schedule_handle(PURGE_UPLOADS)
    known = await handle.describe()
    assert known.schedule.spec.intervals[0].every == _EVERY
    assert known.schedule.state.note
    await handle.trigger()
    await until("the finished session's files are gone", lambda: not cell.uploads.of_job(done))
    assert set(cell.uploads.of_job(open_)) == {IMAGE}
    # Another session has the same picture, so it is still there.
    assert cell.upload_store.get(cell.uploads.of_job(open_)[IMAGE].sha256) == image
    await until("the purge is over", lambda: _purged(cell))
    await cell.engine.cancel(open_)


async def _purged(cell: Cell) -> bool:
    client = await cell.client()
    runs = client.list_workflows('WorkflowType = "PurgeUploadsWorkflow"')
    return any([run.status is WorkflowExecutionStatus.COMPLETED async for run in runs])


async def test_a_worker_that_starts_sets_the_interval_and_nothing_else(cell: Cell) -> None:
    client = await cell.client()
    handle = client.get_schedule_handle(PURGE_UPLOADS)
    await handle.pause(note="an operator's")
    for every in (timedelta(seconds=90), timedelta(seconds=90), _EVERY):
        await asyncio.gather(
            *(ensure_purge_schedule(client, every.total_seconds()) for _ in range(2))
        )
        known: ScheduleDescription = await handle.describe()
        assert [interval.every for interval in known.schedule.spec.intervals] == [every]
        assert known.schedule.state.paused
        assert known.schedule.state.note == "an operator's"
    await handle.unpause()
