"""Waiting for something, with a limit."""

import asyncio
import time
from collections.abc import Callable
from typing import Any

WAIT_S = 60.0
_POLL_S = 0.05


async def until(what: str, holds: Callable[[], Any], limit_s: float = WAIT_S) -> Any:
    """Return the first true value of `holds`, a function or a coroutine function.

    Fails, saying what was waited for, when the limit has passed.
    """
    give_up_at = time.monotonic() + limit_s
    while True:
        value = holds()
        if asyncio.iscoroutine(value):
            value = await value
        if value:
            return value
        assert time.monotonic() < give_up_at, f"not within {limit_s:g} s: {what}"
        await asyncio.sleep(_POLL_S)
