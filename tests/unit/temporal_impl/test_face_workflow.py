"""The session's workflow with fake steps: what runs, and what files, cancels and failures do."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import pytest_asyncio
from temporalio.api.enums.v1 import EventType
from temporalio.client import Client
from temporalio.exceptions import is_cancelled_exception

from shared.codec import to_dict
from shared.domain.faces import Decision
from shared.domain.status import JobStatus
from temporal_impl.execution import root_cause
from temporal_impl.messages import SessionOutcome, Verdict
from tests.unit.temporal_impl.fake_session import (
    HOUR_S,
    MATCH,
    REVIEW,
    FakeSession,
    event_types,
    memo,
    provide,
    review,
    session_workers,
    start,
    until_memo,
)
from tests.unit.temporal_impl.fake_steps import LIMIT_S, outcome, refuse, until_cancelled

pytestmark = pytest.mark.asyncio(loop_scope="module")

_COMPARED = ["open", "compare i v"]
_TIMER_STARTED = EventType.EVENT_TYPE_TIMER_STARTED
_TIMER_FIRED = EventType.EVENT_TYPE_TIMER_FIRED
_COMPLETE = [*_COMPARED, "save", "notify", "close"]


@pytest_asyncio.fixture(loop_scope="module")
async def steps(client: Client) -> AsyncIterator[FakeSession]:
    steps = FakeSession()
    async with session_workers(client, steps):
        yield steps


@pytest.mark.parametrize(
    "order", [["image", "video"], ["video", "image"], ["video", "video", "image", "video"]]
)
async def test_files_come_in_any_order_and_again_and_are_compared_once(
    client: Client, steps: FakeSession, order: list[str]
) -> None:
    handle = await start(client)
    await provide(handle, *order)
    assert await outcome(handle) == SessionOutcome(JobStatus.SUCCEEDED, to_dict(MATCH))
    assert steps.log == _COMPLETE
    assert steps.saved == [MATCH]


async def test_the_first_file_of_a_slot_counts_and_an_unknown_slot_does_not(
    client: Client, steps: FakeSession
) -> None:
    handle = await start(client)
    await provide(handle, "image", "passport")
    await handle.signal("provide", args=["image", "another"])
    await provide(handle, "video")
    await outcome(handle)
    assert steps.log[:2] == _COMPARED


async def test_describe_shows_what_the_session_waits_for(
    client: Client, steps: FakeSession
) -> None:
    steps.result = REVIEW
    handle = await start(client)
    shown = await until_memo(handle, lambda memo: memo.phase is JobStatus.WAITING)
    assert (shown.input_deadline_s, shown.waits_for) == (HOUR_S, "files: image, video")
    await provide(handle, "image")
    shown = await until_memo(handle, lambda memo: bool(memo.inputs))
    assert (shown.inputs, shown.waits_for) == ({"image": "i"}, "files: video")
    await provide(handle, "video")
    shown = await until_memo(handle, lambda memo: memo.phase is JobStatus.REVIEW)
    assert (shown.waits_for, shown.compared) == ("a review", REVIEW)
    assert shown.review_until_s is not None
    await review(handle, True)
    await outcome(handle)
    shown = await memo(handle)
    assert (shown.phase, shown.waits_for) == (JobStatus.RUNNING, None)
    assert shown.verdict == Verdict(True, "r")


@pytest.mark.parametrize("both", [True, False])
async def test_what_comes_behind_the_timer_counts_until_a_worker_acts_on_it(
    client: Client, both: bool
) -> None:
    steps = FakeSession()
    async with session_workers(client, steps):
        handle = await start(client, input_deadline_s=2.0)
        await until_memo(handle, lambda memo: memo.phase is JobStatus.WAITING)
    await provide(handle, "image")
    async with asyncio.timeout(LIMIT_S):
        while _TIMER_FIRED not in await event_types(handle):
            await asyncio.sleep(0.05)
    if both:
        await provide(handle, "video")
    async with session_workers(client, steps):
        ended = await outcome(handle)
    assert isinstance(ended, SessionOutcome)
    assert ended.status is (JobStatus.SUCCEEDED if both else JobStatus.TIMED_OUT)
    assert steps.log == (_COMPLETE if both else ["open", "close"])


@pytest.mark.parametrize("both", [True, False])
async def test_a_session_that_no_worker_has_seen_before_its_deadline_needs_no_timer(
    client: Client, both: bool
) -> None:
    steps = FakeSession()
    handle = await start(client, input_deadline_s=0.01)
    await provide(handle, "image", *(["video"] if both else []))
    deadline = (await handle.describe()).start_time + timedelta(seconds=0.01)
    while datetime.now(UTC) <= deadline:
        await asyncio.sleep(0.01)
    async with session_workers(client, steps):
        ended = await outcome(handle)
    assert isinstance(ended, SessionOutcome)
    assert ended.status is (JobStatus.SUCCEEDED if both else JobStatus.TIMED_OUT)
    assert _TIMER_STARTED not in await event_types(handle)


@pytest.mark.parametrize(
    ("approved", "decision"), [(True, Decision.MATCH), (False, Decision.NO_MATCH)]
)
async def test_a_person_decides_on_a_borderline_comparison(
    client: Client, steps: FakeSession, approved: bool, decision: Decision
) -> None:
    steps.result = REVIEW
    handle = await start(client)
    # Before there is something to judge, a verdict does not count.
    await review(handle, not approved)
    await provide(handle, "image", "video")
    await until_memo(handle, lambda memo: memo.phase is JobStatus.REVIEW)
    await review(handle, approved)
    await review(handle, not approved, "another")
    decided = replace(REVIEW, match=approved, decision=decision)
    assert await outcome(handle) == SessionOutcome(JobStatus.SUCCEEDED, to_dict(decided))
    assert steps.saved == [decided]
    assert steps.log == _COMPLETE
    assert (await memo(handle)).verdict == Verdict(approved, "r")


async def test_no_face_is_a_result_that_nobody_reviews(client: Client, steps: FakeSession) -> None:
    steps.result = replace(
        MATCH, match=False, similarity=0.0, distance=None, decision=Decision.NO_FACE, frame=None
    )
    handle = await start(client)
    await provide(handle, "image", "video")
    assert await outcome(handle) == SessionOutcome(JobStatus.SUCCEEDED, to_dict(steps.result))
    assert steps.log == _COMPLETE


@pytest.mark.parametrize("step", ["open", "compare i v", "save"])
async def test_a_step_that_fails_for_good_closes_the_session(
    client: Client, steps: FakeSession, step: str
) -> None:
    steps.does = {step: refuse}
    handle = await start(client)
    await provide(handle, "image", "video")
    ended = await outcome(handle)
    assert isinstance(ended, BaseException)
    assert "cannot be read" in str(root_cause(ended))
    assert steps.log[-2:] == [step, "close"]


@pytest.mark.parametrize("phase", [JobStatus.WAITING, JobStatus.REVIEW])
async def test_a_cancel_ends_a_wait_and_closes_the_session(
    client: Client, steps: FakeSession, phase: JobStatus
) -> None:
    steps.result = REVIEW
    handle = await start(client)
    if phase is JobStatus.REVIEW:
        await provide(handle, "image", "video")
    await until_memo(handle, lambda memo: memo.phase is phase)
    await handle.cancel()
    ended = await outcome(handle)
    assert isinstance(ended, BaseException)
    assert is_cancelled_exception(ended)
    assert steps.log[-1] == "close"
    assert "save" not in steps.log


async def test_a_cancel_stops_the_comparison_before_the_session_is_closed(
    client: Client, steps: FakeSession
) -> None:
    steps.does = {"compare i v": until_cancelled}
    handle = await start(client)
    await provide(handle, "image", "video")
    await steps.until("compare i v")
    await handle.cancel()
    ended = await outcome(handle)
    assert isinstance(ended, BaseException)
    assert is_cancelled_exception(ended)
    assert steps.log[-2:] == ["compare i v cancelled", "close"]


@pytest.mark.parametrize(
    ("step", "completes"), [("open", False), ("save", False), ("notify", True), ("close", True)]
)
async def test_a_cancel_that_a_step_outruns_ends_the_session_unless_its_user_is_being_told(
    client: Client, steps: FakeSession, step: str, completes: bool
) -> None:
    go_on = asyncio.Event()

    async def wait() -> None:
        await go_on.wait()

    steps.does = {step: wait}
    handle = await start(client)
    await provide(handle, "image", "video")
    await steps.until(step)
    await handle.cancel()
    go_on.set()
    ended = await outcome(handle)
    assert isinstance(ended, SessionOutcome) is completes
    assert steps.log[-1] == "close"
    assert ("notify" in steps.log) is completes


async def test_a_cancel_and_the_last_file_in_one_workflow_task_cancel(
    client: Client,
) -> None:
    steps = FakeSession()
    async with session_workers(client, steps):
        handle = await start(client)
        await until_memo(handle, lambda memo: memo.phase is JobStatus.WAITING)
    await provide(handle, "image", "video")
    await handle.cancel()
    async with session_workers(client, steps):
        ended = await outcome(handle)
    assert isinstance(ended, BaseException)
    assert is_cancelled_exception(ended)
    assert steps.log == ["open", "close"]
