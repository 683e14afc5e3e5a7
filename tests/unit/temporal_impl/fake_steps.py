"""Fake steps, and workers that run them, for tests of the workflows and of nothing else."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any, TypeVar

from temporalio import activity
from temporalio.client import Client, WorkflowFailureError, WorkflowHandle
from temporalio.exceptions import ApplicationError
from temporalio.worker import Worker

from shared.policy import POLICIES, Queue
from temporal_impl.options import CPU_TASK_QUEUE, GPU_TASK_QUEUE, TASK_QUEUES, StepOptions

R = TypeVar("R")

LIMIT_S = 20.0
DAY_S = 86_400.0


class FakeSteps:
    """Steps that log what they do. A test may replace what one of them does by its name."""

    def __init__(self) -> None:
        self.log: list[str] = []
        self.does: dict[str, Callable[[], Awaitable[None]]] = {}

    async def _step(self, name: str) -> None:
        self.log.append(name)
        try:
            if name in self.does:
                await self.does[name]()
        except asyncio.CancelledError:
            self.log.append(f"{name} cancelled")
            raise

    async def until(self, entry: str) -> None:
        """Wait until a step has begun or has been cancelled."""
        async with asyncio.timeout(LIMIT_S):
            while entry not in self.log:
                await asyncio.sleep(0.01)


@asynccontextmanager
async def workers(
    client: Client, workflow: type, cpu_steps: Sequence[Any], gpu_steps: Sequence[Any]
) -> AsyncIterator[None]:
    """Run a CPU and a GPU worker."""
    throttle = timedelta(seconds=0.05)
    cpu = Worker(
        client, task_queue=CPU_TASK_QUEUE, workflows=[workflow], activities=list(cpu_steps)
    )
    gpu = Worker(
        client,
        task_queue=GPU_TASK_QUEUE,
        activities=list(gpu_steps),
        max_heartbeat_throttle_interval=throttle,
        default_heartbeat_throttle_interval=throttle,
    )
    async with cpu, gpu:
        yield


def options(*, wait_for_cancel: bool = True) -> dict[str, StepOptions]:
    """Return what a workflow is given for its steps; only those on the GPU send heartbeats."""
    return {
        step: StepOptions(
            task_queue=TASK_QUEUES[policy.queue],
            start_to_close_s=DAY_S,
            heartbeat_timeout_s=5.0 if policy.queue is Queue.GPU else None,
            retry=None,
            wait_for_cancel=wait_for_cancel,
        )
        for step, policy in POLICIES.items()
    }


async def outcome(handle: WorkflowHandle[Any, R]) -> R | BaseException:
    """Wait for the end of a workflow; returns what it failed with, or its cancel."""
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
