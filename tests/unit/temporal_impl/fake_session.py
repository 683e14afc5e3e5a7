"""A face session with fake steps, for tests of its workflow and for recording its histories."""

import asyncio
import uuid
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

from temporalio import activity
from temporalio.client import Client, WorkflowHandle

from shared.domain.faces import Decision, FaceResult, FaceSession
from temporal_impl.face_workflows import FaceSimilarityWorkflow
from temporal_impl.messages import (
    CompareFaces,
    FaceOrder,
    FaceWorkflowInput,
    SaveResult,
    SessionOutcome,
)
from temporal_impl.options import CPU_TASK_QUEUE
from temporal_impl.session_memo import SessionMemo
from tests.unit.temporal_impl.fake_steps import DAY_S, LIMIT_S, FakeSteps, options, workers

HOUR_S = 3600.0
MATCH = FaceResult(True, 0.8, 0.3, 0.6, Decision.MATCH, 4, "fake")
REVIEW = FaceResult(False, 0.5, 0.6, 0.6, Decision.REVIEW, 4, "fake")


Handle = WorkflowHandle[FaceSimilarityWorkflow, SessionOutcome]


class FakeSession(FakeSteps):
    """The steps of a session."""

    def __init__(self) -> None:
        super().__init__()
        self.result = MATCH
        self.saved: list[FaceResult] = []

    @activity.defn(name="open_session")
    async def open(self, _: FaceOrder) -> bool:
        await self._step("open")
        return True

    @activity.defn(name="compare_faces")
    async def compare(self, task: CompareFaces) -> FaceResult:
        await self._step(f"compare {task.image_sha256} {task.video_sha256}")
        return self.result

    @activity.defn(name="save_result")
    async def save(self, task: SaveResult) -> FaceResult:
        await self._step("save")
        self.saved.append(task.result)
        return task.result

    @activity.defn(name="notify_session_user")
    async def notify(self, _: FaceOrder) -> bool:
        await self._step("notify")
        return True

    @activity.defn(name="close_session")
    async def close(self, _: FaceOrder) -> bool:
        await self._step("close")
        return True


def session_workers(client: Client, steps: FakeSession) -> AbstractAsyncContextManager[None]:
    """Run a CPU and a GPU worker."""
    on_cpu = [steps.open, steps.save, steps.notify, steps.close]
    return workers(client, FaceSimilarityWorkflow, on_cpu, [steps.compare])


async def start(
    client: Client, *, input_deadline_s: float = HOUR_S, review_deadline_s: float = DAY_S
) -> Handle:
    """Start a session as the engine does."""
    order = FaceOrder(str(uuid.uuid4()), FaceSession("u", "s"))
    return await client.start_workflow(
        FaceSimilarityWorkflow.run,
        FaceWorkflowInput(order, options(), input_deadline_s, review_deadline_s),
        id=order.job_id,
        task_queue=CPU_TASK_QUEUE,
        memo={"input_deadline_s": input_deadline_s},
    )


async def provide(handle: Handle, *slots: str) -> None:
    """Signal files, each with its slot's first letter for a hash."""
    for slot in slots:
        await handle.signal(FaceSimilarityWorkflow.provide, args=[slot, slot[0]])


async def review(handle: Handle, approved: bool, reviewer: str = "r") -> None:
    """Signal a verdict."""
    await handle.signal(FaceSimilarityWorkflow.review, args=[approved, reviewer])


async def memo(handle: Handle) -> SessionMemo:
    """Read what `describe` shows."""
    return SessionMemo.of(await (await handle.describe()).memo())


async def until_memo(handle: Handle, holds: Callable[[SessionMemo], bool]) -> SessionMemo:
    """Wait until the memo is as wanted, and return it."""
    async with asyncio.timeout(LIMIT_S):
        while not holds(shown := await memo(handle)):
            await asyncio.sleep(0.01)
        return shown


async def event_types(handle: Handle) -> list[int]:
    """Return the kinds of event in the history, in order."""
    return [event.event_type async for event in handle.fetch_history_events()]
