"""Temporal with settings alone: a real server, real workers and real kills."""

import signal

import pytest

from shared.domain.status import JobStatus, RecordKind
from tests.integration.temporal_cell import MakeCell, started, until

pytest_plugins = ("tests.integration.temporal_fixtures",)

_GENERATE = "generate_image/0"
_COMPLETE = ["reserve_credits", "capture_credits", "notify_user"]


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
async def test_a_step_whose_worker_is_killed_or_told_to_stop_starts_again_from_nothing(
    new_cell: MakeCell, how: signal.Signals
) -> None:
    cell = await started(
        new_cell, "cpu", "gpu", "gpu", profile="tuned", detection_budget_s=4, checkpoint_every=2
    )
    job_id = await cell.submit(steps=30)
    reached = await cell.reached(job_id, _GENERATE, 10)
    process = cell.process(reached.worker)
    process.send_signal(how)
    await until("the worker has died", lambda: process.poll() is not None)
    assert process.returncode == -how
    view = await cell.finished(job_id)
    assert view.status is JobStatus.SUCCEEDED
    [first, second] = cell.records(job_id, _GENERATE, RecordKind.STARTED)
    assert (second.attempt, second.worker != first.worker) == (2, True)
    [image] = view.result["images"]  # type: ignore[index, misc]
    assert image["resumed_from"] == 0
    assert cell.sink.of(job_id) == _COMPLETE


async def test_a_heartbeat_of_a_tuned_step_says_nothing_but_that_it_lives(
    new_cell: MakeCell,
) -> None:
    cell = await started(new_cell, "cpu", "gpu", profile="tuned", detection_budget_s=6)
    job_id = await cell.submit(steps=60)
    await cell.reached(job_id, _GENERATE, 5)
    client = await cell.client()

    async def heard_of() -> object:
        description = await client.get_workflow_handle(job_id).describe()
        pending = description.raw_description.pending_activities
        return next((each for each in pending if each.HasField("last_heartbeat_time")), None)

    activity = await until("a heartbeat has come", heard_of)
    assert not activity.heartbeat_details.payloads  # type: ignore[attr-defined]
    await cell.engine.cancel(job_id)
    assert (await cell.finished(job_id)).status is JobStatus.CANCELLED
