"""The Temporal engine against a real development server and real worker processes."""

import asyncio
import signal
import subprocess
import sys
from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from pathlib import Path

import pytest
from temporalio import workflow
from temporalio.api.enums.v1 import EventType
from temporalio.worker import Worker

from shared.domain.errors import EngineUnavailable
from shared.domain.ids import new_job_id
from shared.domain.impact import Impact
from shared.domain.jobs import IMAGE_GENERATION
from shared.domain.status import JobStatus, RecordKind
from temporal_impl.image_workflows import ImageGenerationWorkflow
from temporal_impl.messages import ImageWorkflowInput
from temporal_impl.options import CPU_TASK_QUEUE
from tests.integration.temporal_cell import (
    DevServer,
    MakeCell,
    Sink,
    cell,
    free_port,
    started,
    until,
)

pytest_plugins = ("tests.integration.temporal_fixtures",)

_GENERATE = "generate_image/0"
_COMPLETE = ["reserve_credits", "capture_credits", "notify_user"]
_COMPENSATED = ["reserve_credits", "release_credits"]


@pytest.mark.parametrize("profile", ["stock", "hardened", "standalone"])
async def test_a_job_that_is_submitted_again_and_again_runs_every_step_once(
    new_cell: MakeCell, profile: str
) -> None:
    cell = await started(new_cell, "cpu", "gpu", profile=profile)
    job_id, request = cell.new_job(n=2, steps=3)
    for _ in range(2):
        await cell.engine.submit(job_id, IMAGE_GENERATION, request)
    view = await cell.finished(job_id)
    # Also a job that is over is not started again.
    await cell.engine.submit(job_id, IMAGE_GENERATION, request)
    assert await cell.engine.view(job_id) == view
    assert view.status is JobStatus.SUCCEEDED
    assert view.result is not None
    assert view.result["credits"] == 2
    assert cell.sink.of(job_id) == _COMPLETE
    steps = [record.step for record in cell.records(job_id, kind=RecordKind.FINISHED)]
    assert sorted(steps) == sorted(
        ["reserve_credits", _GENERATE, "generate_image/1", "assemble", *_COMPLETE[1:]]
    )
    trace = await cell.engine.trace(job_id)
    assert (trace.held, trace.closed) == (False, True)


@pytest.mark.parametrize("profile", ["hardened", "standalone"])
async def test_a_killed_workers_step_resumes_elsewhere_with_one_set_of_effects(
    new_cell: MakeCell, profile: str
) -> None:
    cell = await started(new_cell, "cpu", "gpu", "gpu", profile=profile, detection_budget_s=3)
    job_id = await cell.submit(steps=30)
    reached = await cell.reached(job_id, _GENERATE, 10)
    cell.kill(reached.worker)
    view = await cell.finished(job_id)
    assert view.status is JobStatus.SUCCEEDED
    [first, second] = cell.records(job_id, _GENERATE, RecordKind.STARTED)
    assert second.attempt == 2
    assert second.worker != first.worker
    [image] = view.result["images"]  # type: ignore[index, misc]
    # A heartbeat, two steps ago at the most, had a checkpoint that is made every two steps.
    assert image["resumed_from"] >= 6
    assert cell.sink.of(job_id) == _COMPLETE


async def test_a_dead_worker_keeps_its_workflows_for_a_quarter_of_the_budget(
    new_cell: MakeCell,
) -> None:
    """By the server's own clock: the task was on the dead worker's queue, by default for 10 s."""
    cell = await started(new_cell, "gpu", "cpu", detection_budget_s=6)
    job_id = await cell.submit(steps=60)
    await cell.reached(job_id, _GENERATE, 3)
    cell.kill("cpu-1")
    cell.launch("cpu", "cpu-2")
    assert (await cell.finished(job_id)).status is JobStatus.SUCCEEDED
    history = (await cell.client()).get_workflow_handle(job_id).fetch_history_events()
    events = {event.event_id: event async for event in history}
    [given_up] = [
        event
        for event in events.values()
        if event.event_type == EventType.EVENT_TYPE_WORKFLOW_TASK_TIMED_OUT
    ]
    scheduled = events[given_up.workflow_task_timed_out_event_attributes.scheduled_event_id]
    waited = given_up.event_time.ToDatetime() - scheduled.event_time.ToDatetime()
    timeout = scheduled.workflow_task_scheduled_event_attributes.start_to_close_timeout
    assert timeout.ToTimedelta().total_seconds() == 3.0
    assert 1.5 <= waited.total_seconds() < 10


async def test_open_jobs_are_replayed_from_the_server_on_the_code_at_hand(
    new_cell: MakeCell, monkeypatch: pytest.MonkeyPatch
) -> None:
    cell = await started(new_cell, "cpu", "gpu")
    job_id = await cell.submit(steps=60)
    reached = await cell.reached(job_id, _GENERATE, 3)
    # So that the job stays open.
    cell.kill(reached.worker)
    monkeypatch.setenv("CHANGEOVER_TEMPORAL_ADDRESS", cell.settings.temporal_address)
    monkeypatch.setenv("CHANGEOVER_NAMESPACE", cell.settings.namespace)

    async def replayed() -> bool:
        # The list of open jobs lags a little behind.
        command = [sys.executable, "-m", "bench", "replay", "--from-server"]
        done = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout == "1 of 1 histories replay on this code\n"

    await until("its history replays", replayed)


@workflow.defn(name=ImageGenerationWorkflow.__name__, sandboxed=False)
class _Changed:
    """A deploy of changed code without a patch: another step comes first."""

    @workflow.run
    async def run(self, given: ImageWorkflowInput) -> None:
        await workflow.execute_activity(
            "notify_user", given.order, **given.options["notify_user"].to_temporal("notify_user")
        )


async def test_a_job_whose_workflow_no_longer_replays_says_so_and_is_due_never(
    new_cell: MakeCell,
) -> None:
    cell = await started(new_cell, "gpu", "cpu", detection_budget_s=6)
    job_id = await cell.submit(steps=40)
    await cell.reached(job_id, _GENERATE, 3)
    cell.kill("cpu-1")
    async with Worker(await cell.client(), task_queue=CPU_TASK_QUEUE, workflows=[_Changed]):

        async def says_so() -> str | None:
            return (await cell.engine.view(job_id)).error

        error = await until("the view says why the job stands still", says_so)
        trace = await cell.engine.trace(job_id)
    assert "nondeterminism" in error.replace("_", "").replace("-", "").lower()
    assert (trace.held, trace.stuck, trace.due_in_s) == (True, True, None)
    assert "the workflow's code fails, attempt" in trace.where
    # The code that began the job can go on with it.
    cell.launch("cpu", "cpu-2")
    view = await cell.finished(job_id)
    assert (view.status, view.error, view.stuck) == (JobStatus.SUCCEEDED, None, False)


async def test_a_cancel_of_a_stuck_job_says_that_it_waits_and_the_server_counts_the_job(
    new_cell: MakeCell,
) -> None:
    cell = await started(new_cell, "gpu", "cpu", detection_budget_s=6)
    job_id = await cell.submit(steps=40)
    await cell.reached(job_id, _GENERATE, 3)
    assert await cell.engine.stuck_jobs() == 0
    cell.kill("cpu-1")
    async with Worker(await cell.client(), task_queue=CPU_TASK_QUEUE, workflows=[_Changed]):

        async def is_stuck() -> bool:
            return (await cell.engine.view(job_id)).stuck

        async def counted() -> bool:
            return await cell.engine.stuck_jobs() == 1

        await until("the job is stuck", is_stuck)
        await cell.engine.cancel(job_id)
        view = await cell.engine.view(job_id)
        assert view.status is JobStatus.RUNNING
        assert "a cancel has been asked for and cannot be delivered" in (view.error or "")
        await until("the server counts it", counted)
    # It is carried out by the code that began the job.
    cell.launch("cpu", "cpu-2")
    view = await cell.finished(job_id)
    assert (view.status, view.stuck) == (JobStatus.CANCELLED, False)
    assert cell.sink.of(job_id) == _COMPENSATED
    assert await cell.engine.stuck_jobs() == 0


async def test_sigterm_lets_a_short_step_finish_and_the_worker_exit_cleanly(
    new_cell: MakeCell,
) -> None:
    cell = await started(new_cell, "cpu", "gpu")
    job_id = await cell.submit(steps=15)
    reached = await cell.reached(job_id, _GENERATE, 3)
    cell.process(reached.worker).send_signal(signal.SIGTERM)
    view = await cell.finished(job_id)
    assert view.status is JobStatus.SUCCEEDED
    assert len(cell.records(job_id, _GENERATE, RecordKind.STARTED)) == 1
    process = cell.process(reached.worker)
    await until("the worker has exited", lambda: process.poll() is not None)
    assert process.returncode == 0


async def test_a_step_longer_than_the_grace_is_handed_on_and_resumed(new_cell: MakeCell) -> None:
    cell = await started(new_cell, "cpu", "gpu", "gpu", stop_grace_s=3)
    job_id = await cell.submit(steps=35)
    reached = await cell.reached(job_id, _GENERATE, 5)
    cell.process(reached.worker).send_signal(signal.SIGTERM)
    view = await cell.finished(job_id)
    assert view.status is JobStatus.SUCCEEDED
    [failed] = cell.records(job_id, _GENERATE, RecordKind.FAILED)
    assert "WorkerStopping" in failed.detail
    [image] = view.result["images"]  # type: ignore[index, misc]
    assert image["resumed_from"] >= 4
    process = cell.process(reached.worker)
    await until("the worker has exited", lambda: process.poll() is not None)
    assert process.returncode == 0


async def test_stock_dies_on_sigterm_and_waits_for_start_to_close(new_cell: MakeCell) -> None:
    cell = await started(new_cell, "cpu", "gpu", profile="stock")
    job_id = await cell.submit(steps=30)
    reached = await cell.reached(job_id, _GENERATE, 3)
    process = cell.process(reached.worker)
    process.send_signal(signal.SIGTERM)
    await until("the worker has died", lambda: process.poll() is not None)
    assert process.returncode == -signal.SIGTERM
    trace = await cell.engine.trace(job_id)
    assert trace.held
    assert trace.where == f"{_GENERATE}: started, attempt 1"
    assert trace.due_in_s == pytest.approx(cell.engine.bounds()[Impact.STOPPED].seconds, abs=30)


@pytest.mark.parametrize("profile", ["hardened", "standalone"])
async def test_a_cancel_stops_the_running_step_and_releases_the_credits(
    new_cell: MakeCell, profile: str
) -> None:
    cell = await started(new_cell, "cpu", "gpu", profile=profile)
    job_id = await cell.submit(steps=300)
    await cell.reached(job_id, _GENERATE, 3)
    await cell.engine.cancel(job_id)
    view = await cell.finished(job_id)
    assert view.status is JobStatus.CANCELLED
    assert cell.sink.of(job_id) == _COMPENSATED
    await until(
        "the step has stopped", lambda: cell.records(job_id, _GENERATE, RecordKind.CANCELLED)
    )


@pytest.mark.parametrize("profile", ["hardened", "standalone"])
async def test_a_cancel_is_carried_out_though_the_steps_worker_is_dead(
    new_cell: MakeCell, profile: str
) -> None:
    cell = await started(new_cell, "cpu", "gpu", profile=profile, detection_budget_s=3)
    job_id = await cell.submit(steps=300)
    reached = await cell.reached(job_id, _GENERATE, 3)
    cell.kill(reached.worker)
    for _ in range(2):
        await cell.engine.cancel(job_id)
    view = await cell.finished(job_id)
    assert view.status is JobStatus.CANCELLED
    assert cell.sink.of(job_id) == _COMPENSATED
    await cell.engine.cancel(job_id)


@pytest.mark.parametrize("profile", ["stock", "hardened", "standalone"])
async def test_a_cancel_without_workers_is_carried_out_when_they_come(
    new_cell: MakeCell, profile: str
) -> None:
    cell = new_cell(profile=profile)
    await cell.engine.start()
    job_id = await cell.submit()
    await cell.engine.cancel(job_id)
    assert (await cell.engine.trace(job_id)).held
    await cell.start_workers("cpu", "gpu")
    view = await cell.finished(job_id)
    assert view.status is JobStatus.CANCELLED
    # Nothing was reserved, so there is nothing to give back.
    assert cell.sink.of(job_id) == []


@pytest.mark.parametrize("profile", ["hardened", "standalone"])
async def test_view_and_trace_answer_without_any_worker(new_cell: MakeCell, profile: str) -> None:
    cell = new_cell(profile=profile)
    await cell.engine.start()
    assert (await cell.engine.view(new_job_id())).status is JobStatus.ACCEPTED
    unknown = await cell.engine.trace(new_job_id())
    assert (unknown.held, unknown.closed) == (False, False)
    job_id = await cell.submit()
    assert (await cell.engine.view(job_id)).status is JobStatus.ACCEPTED
    assert (await cell.engine.trace(job_id)).held
    health = await cell.engine.health()
    assert health.reachable
    assert "sqlite" in health.persistence


async def test_a_refused_submission_never_runs(new_cell: MakeCell) -> None:
    cell = await started(new_cell)
    job_id, request = cell.new_job()
    cell.jobs.reject(job_id)
    await cell.engine.submit(job_id, IMAGE_GENERATION, request)
    await cell.start_workers("cpu", "gpu")
    view = await cell.finished(job_id)
    assert view.status is JobStatus.FAILED
    assert view.error is not None
    assert "refused" in view.error
    assert cell.sink.of(job_id) == []


async def test_a_server_that_is_down_is_said_fast_and_found_again(
    tmp_path: Path,
) -> None:
    server, sink = DevServer(tmp_path, free_port(), ["test-down"]), Sink()
    with ExitStack() as ends, cell(tmp_path, server.address, sink, namespace="test-down") as made:
        ends.callback(sink.stop)
        ends.callback(server.stop)
        await made.engine.start()
        job_id, request = made.new_job()
        for up in (False, True, False, True):
            if up:
                server.start()
                await server.ready("test-down")
                await made.engine.submit(job_id, IMAGE_GENERATION, request)
                assert (await made.engine.health()).reachable
                server.stop()
                continue
            calls: list[Callable[[], Awaitable[object]]] = [
                lambda: made.engine.submit(job_id, IMAGE_GENERATION, request),
                lambda: made.engine.view(job_id),
                lambda: made.engine.cancel(job_id),
                lambda: made.engine.trace(job_id),
            ]
            for call in calls:
                with pytest.raises(EngineUnavailable, match="CHANGEOVER_TEMPORAL_ADDRESS"):
                    await call()
            assert not (await made.engine.health()).reachable
        await made.engine.close()
