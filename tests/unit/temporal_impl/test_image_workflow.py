"""The workflow with fake steps: what runs, in which order, and what a cancel or a failure does."""

import asyncio
import shutil
import sys
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from pathlib import Path

import pytest
import pytest_asyncio
from temporalio import activity
from temporalio.client import Client, WorkflowFailureError, WorkflowHandle
from temporalio.exceptions import ApplicationError, is_cancelled_exception
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Worker

from shared.domain.jobs import Artifact, GeneratedImage, ImageJob, ImageResult
from shared.policy import GENERATE_IMAGE, POLICIES
from temporal_impl.execution import root_cause
from temporal_impl.image_workflows import ImageGenerationWorkflow
from temporal_impl.messages import Assemble, GenerateImage, ImageOrder, ImageWorkflowInput
from temporal_impl.options import CPU_TASK_QUEUE, GPU_TASK_QUEUE, TASK_QUEUES, StepOptions

pytestmark = pytest.mark.asyncio(loop_scope="module")

_SHEET = Artifact("contact-sheet.png", "image/png", "0" * 64)
_LIMIT_S = 20.0

Handle = WorkflowHandle[ImageGenerationWorkflow, ImageResult]


class FakeSteps:
    """Steps that log what they do. A test may replace what one of them does by its name."""

    def __init__(self) -> None:
        self.log: list[str] = []
        self.does: dict[str, Callable[[], Awaitable[None]]] = {}
        self._captured = False

    async def _step(self, name: str) -> None:
        self.log.append(name)
        try:
            if name in self.does:
                await self.does[name]()
        except asyncio.CancelledError:
            self.log.append(f"{name} cancelled")
            raise

    @activity.defn(name="reserve_credits")
    async def reserve(self, order: ImageOrder) -> int:
        await self._step("reserve")
        return order.job.n

    @activity.defn(name="generate_image")
    async def generate(self, task: GenerateImage) -> GeneratedImage:
        await self._step(f"generate {task.index}")
        return GeneratedImage(_SHEET, task.index, 0)

    @activity.defn(name="assemble")
    async def assemble(self, task: Assemble) -> Artifact:
        assert [image.seed for image in task.images] == list(range(task.order.job.n))
        await self._step("assemble")
        return _SHEET

    @activity.defn(name="capture_credits")
    async def capture(self, order: ImageOrder) -> int:
        # As the real step does: settled first, then applied.
        self._captured = True
        await self._step("capture")
        return order.job.n

    @activity.defn(name="notify_user")
    async def notify(self, _: ImageOrder) -> bool:
        await self._step("notify")
        return True

    @activity.defn(name="release_credits")
    async def release(self, _: ImageOrder) -> bool:
        await self._step("release")
        return not self._captured


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def client() -> AsyncIterator[Client]:
    beside = Path(sys.executable).parent / "temporal"
    binary = str(beside) if beside.exists() else shutil.which("temporal")
    async with await WorkflowEnvironment.start_local(
        dev_server_existing_path=binary, dev_server_log_level="error"
    ) as environment:
        yield environment.client


@pytest_asyncio.fixture(loop_scope="module")
async def steps(client: Client) -> AsyncIterator[FakeSteps]:
    steps = FakeSteps()
    throttle = timedelta(seconds=0.05)
    cpu = Worker(
        client,
        task_queue=CPU_TASK_QUEUE,
        workflows=[ImageGenerationWorkflow],
        activities=[steps.reserve, steps.assemble, steps.capture, steps.notify, steps.release],
    )
    gpu = Worker(
        client,
        task_queue=GPU_TASK_QUEUE,
        activities=[steps.generate],
        max_heartbeat_throttle_interval=throttle,
        default_heartbeat_throttle_interval=throttle,
    )
    async with cpu, gpu:
        yield steps


def _options(step: str, *, wait_for_cancel: bool) -> StepOptions:
    return StepOptions(
        task_queue=TASK_QUEUES[POLICIES[step].queue],
        start_to_close_s=30.0,
        heartbeat_timeout_s=5.0 if step == GENERATE_IMAGE else None,
        retry=None,
        wait_for_cancel=wait_for_cancel,
    )


async def _start(client: Client, n: int = 2, *, wait_for_cancel: bool = True) -> Handle:
    job = ImageJob("a red circle", "u", n, 4, 0, 64, 64)
    options = {step: _options(step, wait_for_cancel=wait_for_cancel) for step in POLICIES}
    return await client.start_workflow(
        ImageGenerationWorkflow.run,
        ImageWorkflowInput(ImageOrder(str(uuid.uuid4()), job), options),
        id=str(uuid.uuid4()),
        task_queue=CPU_TASK_QUEUE,
    )


async def _until_logged(steps: FakeSteps, entry: str) -> None:
    async with asyncio.timeout(_LIMIT_S):
        while entry not in steps.log:
            await asyncio.sleep(0.01)


async def _outcome(handle: Handle) -> ImageResult | BaseException:
    async with asyncio.timeout(_LIMIT_S):
        try:
            return await handle.result()
        except WorkflowFailureError as error:
            return error.cause


async def _fail() -> None:
    raise ApplicationError("out of memory", type="StepRefused", non_retryable=True)


async def _until_cancelled() -> None:
    while True:
        activity.heartbeat()
        await asyncio.sleep(0.02)


def _until(event: asyncio.Event) -> Callable[[], Awaitable[None]]:
    async def wait() -> None:
        await event.wait()

    return wait


async def test_pictures_are_made_in_parallel_between_the_other_steps(
    client: Client, steps: FakeSteps
) -> None:
    outcome = await _outcome(await _start(client, n=3))
    assert isinstance(outcome, ImageResult)
    assert [image.seed for image in outcome.images] == [0, 1, 2]
    assert steps.log[0] == "reserve"
    assert sorted(steps.log[1:4]) == ["generate 0", "generate 1", "generate 2"]
    assert steps.log[4:] == ["assemble", "capture", "notify"]


async def test_a_picture_that_fails_for_good_stops_the_others_before_the_release(
    client: Client, steps: FakeSteps
) -> None:
    async def fail_when_the_other_runs() -> None:
        await _until_logged(steps, "generate 0")
        await _fail()

    steps.does = {"generate 0": _until_cancelled, "generate 1": fail_when_the_other_runs}
    outcome = await _outcome(await _start(client))
    assert isinstance(outcome, BaseException)
    assert "out of memory" in str(root_cause(outcome))
    assert steps.log[-2:] == ["generate 0 cancelled", "release"]


async def test_a_failed_assembly_releases_the_credits(client: Client, steps: FakeSteps) -> None:
    steps.does = {"assemble": _fail}
    outcome = await _outcome(await _start(client))
    assert isinstance(outcome, BaseException)
    assert steps.log[-2:] == ["assemble", "release"]


async def test_a_cancel_stops_every_picture_before_the_release(
    client: Client, steps: FakeSteps
) -> None:
    steps.does = {"generate 0": _until_cancelled, "generate 1": _until_cancelled}
    handle = await _start(client)
    await _until_logged(steps, "generate 0")
    await _until_logged(steps, "generate 1")
    await handle.cancel()
    outcome = await _outcome(handle)
    assert isinstance(outcome, BaseException)
    assert is_cancelled_exception(outcome)
    assert sorted(steps.log[-3:-1]) == ["generate 0 cancelled", "generate 1 cancelled"]
    assert steps.log[-1] == "release"


@pytest.mark.parametrize("step", ["reserve", "assemble"])
async def test_a_cancel_that_a_step_outruns_still_ends_the_job_before_its_capture(
    client: Client, steps: FakeSteps, step: str
) -> None:
    go_on = asyncio.Event()
    steps.does = {step: _until(go_on)}
    handle = await _start(client)
    await _until_logged(steps, step)
    await handle.cancel()
    go_on.set()
    outcome = await _outcome(handle)
    assert isinstance(outcome, BaseException)
    assert is_cancelled_exception(outcome)
    assert steps.log[-2:] == [step, "release"]


@pytest.mark.parametrize("step", ["capture", "notify"])
async def test_a_cancel_after_the_capture_has_begun_completes_the_job(
    client: Client, steps: FakeSteps, step: str
) -> None:
    go_on = asyncio.Event()
    steps.does = {step: _until(go_on)}
    handle = await _start(client)
    await _until_logged(steps, step)
    await handle.cancel()
    go_on.set()
    assert isinstance(await _outcome(handle), ImageResult)
    # If the cancel and the capture's result arrive together, a release is tried in vain.
    assert [entry for entry in steps.log if entry != "release"][-2:] == ["capture", "notify"]


async def test_a_capture_that_won_against_the_release_completes_the_job(
    client: Client, steps: FakeSteps
) -> None:
    go_on = asyncio.Event()
    steps.does = {"capture": _until(go_on)}
    handle = await _start(client, wait_for_cancel=False)
    await _until_logged(steps, "capture")
    await handle.cancel()
    outcome = await _outcome(handle)
    go_on.set()
    assert isinstance(outcome, ImageResult)
    assert steps.log[-3:] == ["capture", "release", "notify"]


async def test_a_cancel_does_not_interrupt_the_release(client: Client, steps: FakeSteps) -> None:
    go_on = asyncio.Event()
    steps.does = {"assemble": _fail, "release": _until(go_on)}
    handle = await _start(client, wait_for_cancel=False)
    await _until_logged(steps, "release")
    await handle.cancel()
    go_on.set()
    outcome = await _outcome(handle)
    assert isinstance(outcome, BaseException)
    assert "out of memory" in str(root_cause(outcome))
    assert steps.log.count("release") == 1
