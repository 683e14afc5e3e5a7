"""Runs a verb's coroutine so that Ctrl-C and SIGTERM end it cleanly."""

import asyncio
import contextlib
import signal
import sys
from collections.abc import Coroutine
from typing import Any

from shared.domain.errors import ChangeoverError

INTERRUPTED = 130


def run_to_exit_status(main: Coroutine[Any, Any, int]) -> int:
    """Run `main` and return the exit status: its own, the error's, or 130 if interrupted.

    The first signal cancels `main`, whose cleanup then runs; a second one cancels the cleanup,
    and the guardian ends what is left.
    """
    try:
        return asyncio.run(_with_signals(main))
    except asyncio.CancelledError:
        print("interrupted; every process was ended", file=sys.stderr)
        return INTERRUPTED
    except ChangeoverError as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        return error.exit_status


async def _with_signals(main: Coroutine[Any, Any, int]) -> int:
    task = asyncio.ensure_future(main)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        with contextlib.suppress(NotImplementedError):
            loop.add_signal_handler(number, task.cancel)
    return await task
