"""A face session with fake steps, for tests of its workflow and for recording its histories."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta

from temporalio import activity
from temporalio.client import Client, WorkflowFailureError, WorkflowHandle
from temporalio.exceptions import ApplicationError
from temporalio.worker import Worker

from shared.domain.faces import Decision, FaceResult, FaceSession
from shared.policy import COMPARE_FACES, POLICIES
from temporal_impl.face_workflows import FaceSimilarityWorkflow
from temporal_impl.messages import (
    CompareFaces,
    FaceOrder,
    FaceWorkflowInput,
    SaveResult,
    SessionOutcome,
)
from temporal_impl.options import CPU_TASK_QUEUE, GPU_TASK_QUEUE, TASK_QUEUES, StepOptions
from temporal_impl.session_memo import SessionMemo

LIMIT_S = 20.0
HOUR_S = 3600.0
DAY_S = 86_400.0
MATCH = FaceResult(True, 0.8, 0.3, 0.6, Decision.MATCH, 4, "fake")
REVIEW = FaceResult(False, 0.5, 0.6, 0.6, Decision.REVIEW, 4, "fake")


Handle = WorkflowHandle[FaceSimilarityWorkflow, SessionOutcome]


class FakeSteps:
    """Steps that log what they do. A test may replace what one of them does by its name."""

    def __init__(self) -> None:
        self.log: list[str] = []
        self.does: dict[str, Callable[[], Awaitable[None]]] = {}
        self.result = MATCH
        self.saved: list[FaceResult] = []

    async def _step(self, name: str) -> None:
        self.log.append(name)
        try:
            if name in self.does:
                await self.does[name]()
        except asyncio.CancelledError:
            self.log.append(f"{name} cancelled")
            raise

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

    async def until(self, entry: str) -> None:
        """Wait until a step has begun or has been cancelled."""
        async with asyncio.timeout(LIMIT_S):
            while entry not in self.log:
                await asyncio.sleep(0.01)


@asynccontextmanager
async def workers(client: Client, steps: FakeSteps) -> AsyncIterator[None]:
    """Run a CPU and a GPU worker."""
    throttle = timedelta(seconds=0.05)
    cpu = Worker(
        client,
        task_queue=CPU_TASK_QUEUE,
        workflows=[FaceSimilarityWorkflow],
        activities=[steps.open, steps.save, steps.notify, steps.close],
    )
    gpu = Worker(
        client,
        task_queue=GPU_TASK_QUEUE,
        activities=[steps.compare],
        max_heartbeat_throttle_interval=throttle,
        default_heartbeat_throttle_interval=throttle,
    )
    async with cpu, gpu:
        yield


async def start(
    client: Client, *, input_deadline_s: float = HOUR_S, review_deadline_s: float = DAY_S
) -> Handle:
    """Start a session as the engine does."""
    order = FaceOrder(str(uuid.uuid4()), FaceSession("u", "s"))
    options = {step: _options(step) for step in POLICIES}
    return await client.start_workflow(
        FaceSimilarityWorkflow.run,
        FaceWorkflowInput(order, options, input_deadline_s, review_deadline_s),
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


async def outcome(handle: Handle) -> SessionOutcome | BaseException:
    """Wait for the end of a session; returns what it failed with, or its cancel."""
    async with asyncio.timeout(LIMIT_S):
        try:
            return await handle.result()
        except WorkflowFailureError as error:
            return error.cause


async def refuse() -> None:
    """Fail for good."""
    raise ApplicationError("cannot be read", type="StepRefused", non_retryable=True)


async def until_cancelled() -> None:
    """Go on, with heartbeats, until cancelled."""
    while True:
        activity.heartbeat()
        await asyncio.sleep(0.02)


def _options(step: str) -> StepOptions:
    return StepOptions(
        task_queue=TASK_QUEUES[POLICIES[step].queue],
        start_to_close_s=DAY_S,
        heartbeat_timeout_s=5.0 if step == COMPARE_FACES else None,
        retry=None,
        wait_for_cancel=True,
    )
