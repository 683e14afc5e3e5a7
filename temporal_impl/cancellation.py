"""What a workflow does about its cancel: stop between two steps, or see a step through."""

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

from temporalio import workflow

R = TypeVar("R")


def stop_if_cancelled() -> None:
    """Raise `CancelledError` if the workflow's cancel is asked for.

    An activity that completes in spite of a cancel swallows it, for its await returns the result;
    so does a wait whose condition came true at the same time (`asyncio.wait_for`, Python 3.11).
    """
    if workflow.cancellation_reason() is not None:
        raise asyncio.CancelledError


async def see_through(step: Awaitable[R]) -> R:
    """Await a step that a cancel must not interrupt; the server delivers one cancel a run."""
    task = asyncio.ensure_future(step)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        return await task
