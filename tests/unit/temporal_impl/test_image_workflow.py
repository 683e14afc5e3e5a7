"""The workflow with fake steps: what runs, in which order, and what a cancel or a failure does."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
import pytest_asyncio
from temporalio import activity
from temporalio.client import Client, WorkflowHandle
from temporalio.exceptions import is_cancelled_exception

from shared.domain.jobs import Artifact, GeneratedImage, ImageJob, ImageResult
from temporal_impl.execution import root_cause
from temporal_impl.image_workflows import ImageGenerationWorkflow
from temporal_impl.messages import Assemble, GenerateImage, ImageOrder, ImageWorkflowInput
from temporal_impl.options import CPU_TASK_QUEUE
from tests.unit.temporal_impl.fake_steps import (
    FakeSteps,
    options,
    outcome,
    refuse,
    until_cancelled,
    workers,
)

pytestmark = pytest.mark.asyncio(loop_scope="module")

_SHEET = Artifact("contact-sheet.png", "image/png", "0" * 64)

Handle = WorkflowHandle[ImageGenerationWorkflow, ImageResult]


class FakeJob(FakeSteps):
    """The steps of an image job."""

    def __init__(self) -> None:
        super().__init__()
        self._captured = False

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


@pytest_asyncio.fixture(loop_scope="module")
async def steps(client: Client) -> AsyncIterator[FakeJob]:
    steps = FakeJob()
    on_cpu = [steps.reserve, steps.assemble, steps.capture, steps.notify, steps.release]
    async with workers(client, ImageGenerationWorkflow, on_cpu, [steps.generate]):
        yield steps


async def _start(client: Client, n: int = 2, *, wait_for_cancel: bool = True) -> Handle:
    job = ImageJob("a red circle", "u", n, 4, 0, 64, 64)
    given = options(wait_for_cancel=wait_for_cancel)
    return await client.start_workflow(
        ImageGenerationWorkflow.run,
        ImageWorkflowInput(ImageOrder(str(uuid.uuid4()), job), given),
        id=str(uuid.uuid4()),
        task_queue=CPU_TASK_QUEUE,
    )


def _until(event: asyncio.Event) -> Callable[[], Awaitable[None]]:
    async def wait() -> None:
        await event.wait()

    return wait


async def test_pictures_are_made_in_parallel_between_the_other_steps(
    client: Client, steps: FakeJob
) -> None:
    ended = await outcome(await _start(client, n=3))
    assert isinstance(ended, ImageResult)
    assert [image.seed for image in ended.images] == [0, 1, 2]
    assert steps.log[0] == "reserve"
    assert sorted(steps.log[1:4]) == ["generate 0", "generate 1", "generate 2"]
    assert steps.log[4:] == ["assemble", "capture", "notify"]


async def test_a_picture_that_fails_for_good_stops_the_others_before_the_release(
    client: Client, steps: FakeJob
) -> None:
    async def fail_when_the_other_runs() -> None:
        await steps.until("generate 0")
        await refuse()

    steps.does = {"generate 0": until_cancelled, "generate 1": fail_when_the_other_runs}
    ended = await outcome(await _start(client))
    assert isinstance(ended, BaseException)
    assert "cannot be read" in str(root_cause(ended))
    assert steps.log[-2:] == ["generate 0 cancelled", "release"]


async def test_a_failed_assembly_releases_the_credits(client: Client, steps: FakeJob) -> None:
    steps.does = {"assemble": refuse}
    ended = await outcome(await _start(client))
    assert isinstance(ended, BaseException)
    assert steps.log[-2:] == ["assemble", "release"]


async def test_a_cancel_stops_every_picture_before_the_release(
    client: Client, steps: FakeJob
) -> None:
    steps.does = {"generate 0": until_cancelled, "generate 1": until_cancelled}
    handle = await _start(client)
    await steps.until("generate 0")
    await steps.until("generate 1")
    await handle.cancel()
    ended = await outcome(handle)
    assert isinstance(ended, BaseException)
    assert is_cancelled_exception(ended)
    assert sorted(steps.log[-3:-1]) == ["generate 0 cancelled", "generate 1 cancelled"]
    assert steps.log[-1] == "release"


@pytest.mark.parametrize("step", ["reserve", "assemble"])
async def test_a_cancel_that_a_step_outruns_still_ends_the_job_before_its_capture(
    client: Client, steps: FakeJob, step: str
) -> None:
    go_on = asyncio.Event()
    steps.does = {step: _until(go_on)}
    handle = await _start(client)
    await steps.until(step)
    await handle.cancel()
    go_on.set()
    ended = await outcome(handle)
    assert isinstance(ended, BaseException)
    assert is_cancelled_exception(ended)
    assert steps.log[-2:] == [step, "release"]


@pytest.mark.parametrize("step", ["capture", "notify"])
async def test_a_cancel_after_the_capture_has_begun_completes_the_job(
    client: Client, steps: FakeJob, step: str
) -> None:
    go_on = asyncio.Event()
    steps.does = {step: _until(go_on)}
    handle = await _start(client)
    await steps.until(step)
    await handle.cancel()
    go_on.set()
    assert isinstance(await outcome(handle), ImageResult)
    # If the cancel and the capture's result arrive together, a release is tried in vain.
    assert [entry for entry in steps.log if entry != "release"][-2:] == ["capture", "notify"]


async def test_a_capture_that_won_against_the_release_completes_the_job(
    client: Client, steps: FakeJob
) -> None:
    go_on = asyncio.Event()
    steps.does = {"capture": _until(go_on)}
    handle = await _start(client, wait_for_cancel=False)
    await steps.until("capture")
    await handle.cancel()
    ended = await outcome(handle)
    go_on.set()
    assert isinstance(ended, ImageResult)
    assert steps.log[-3:] == ["capture", "release", "notify"]


async def test_a_cancel_does_not_interrupt_the_release(client: Client, steps: FakeJob) -> None:
    go_on = asyncio.Event()
    steps.does = {"assemble": refuse, "release": _until(go_on)}
    handle = await _start(client, wait_for_cancel=False)
    await steps.until("release")
    await handle.cancel()
    go_on.set()
    ended = await outcome(handle)
    assert isinstance(ended, BaseException)
    assert "cannot be read" in str(root_cause(ended))
    assert steps.log.count("release") == 1
