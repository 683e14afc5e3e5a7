"""The deadlines of a session, on a server that skips the time that nobody works in."""

import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from temporalio.testing import WorkflowEnvironment

from shared.codec import to_dict
from shared.domain.status import JobStatus
from temporal_impl.messages import SessionOutcome
from tests.unit.temporal_impl.fake_session import (
    DAY_S,
    HOUR_S,
    REVIEW,
    FakeSession,
    Handle,
    memo,
    provide,
    session_workers,
    start,
    until_memo,
)
from tests.unit.temporal_impl.fake_steps import outcome

pytestmark = pytest.mark.asyncio(loop_scope="module")

_COMPARED = ["open", "compare i v"]
_COMPLETE = [*_COMPARED, "save", "notify", "close"]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server() -> AsyncIterator[WorkflowEnvironment]:
    binary = str(Path(sys.executable).parent / "temporal-test-server")
    async with await WorkflowEnvironment.start_time_skipping(
        test_server_existing_path=binary
    ) as environment:
        yield environment


@pytest_asyncio.fixture(loop_scope="module")
async def steps(server: WorkflowEnvironment) -> AsyncIterator[FakeSession]:
    steps = FakeSession()
    async with session_workers(server.client, steps):
        yield steps


async def _took_s(handle: Handle) -> float:
    description = await handle.describe()
    assert description.close_time is not None
    return (description.close_time - description.start_time).total_seconds()


@pytest.mark.parametrize("came", [[], ["image"], ["video"]])
async def test_a_session_without_its_files_times_out_with_the_inputs_it_had(
    server: WorkflowEnvironment, steps: FakeSession, came: list[str]
) -> None:
    handle = await start(server.client)
    await provide(handle, *came)
    assert await outcome(handle) == SessionOutcome(JobStatus.TIMED_OUT, {"inputs": came})
    assert await _took_s(handle) == pytest.approx(HOUR_S, abs=30)
    assert steps.log == ["open", "close"]


async def test_a_file_does_not_move_the_deadline(
    server: WorkflowEnvironment, steps: FakeSession
) -> None:
    handle = await start(server.client)
    await until_memo(handle, lambda memo: memo.phase is JobStatus.WAITING)
    await server.sleep(HOUR_S * 3 / 4)
    await provide(handle, "image")
    assert await outcome(handle) == SessionOutcome(JobStatus.TIMED_OUT, {"inputs": ["image"]})
    assert await _took_s(handle) == pytest.approx(HOUR_S, abs=30)


async def test_a_file_that_comes_while_the_session_is_being_closed_is_too_late(
    server: WorkflowEnvironment, steps: FakeSession
) -> None:
    handle: Handle | None = None

    async def provide_late() -> None:
        assert handle is not None
        await provide(handle, "image", "video")

    steps.does = {"close": provide_late}
    handle = await start(server.client)
    assert await outcome(handle) == SessionOutcome(JobStatus.TIMED_OUT, {"inputs": []})
    assert steps.log == ["open", "close"]
    assert (await memo(handle)).inputs == {}


async def test_a_review_that_nobody_does_times_out_with_the_result_as_compared(
    server: WorkflowEnvironment, steps: FakeSession
) -> None:
    steps.result = REVIEW
    handle = await start(server.client)
    await provide(handle, "image", "video")
    assert await outcome(handle) == SessionOutcome(JobStatus.TIMED_OUT, to_dict(REVIEW))
    assert await _took_s(handle) == pytest.approx(DAY_S, abs=60)
    assert steps.log == [*_COMPARED, "close"]
