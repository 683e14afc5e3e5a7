"""Processes that are forked from a warm one, and adopted by this one. Linux only: prctl(2)."""

import asyncio
import contextlib
import ctypes
import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from bench.arms.fork_server import READY

_START_LIMIT_S = 60.0
_ANSWER_LIMIT_S = 20.0
_END_LIMIT_S = 5.0
_POLL_S = 0.01
_PR_SET_CHILD_SUBREAPER = 36


class Adopted:
    """A process that somebody else forked and that is ours to wait for, as far as `Popen` goes."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.returncode: int | None = None

    def wait(self, timeout: float | None = None) -> int:
        """Return its status, negative for a signal; `subprocess.TimeoutExpired` if it goes on."""
        give_up_at = None if timeout is None else time.monotonic() + timeout
        while self.returncode is None:
            try:
                pid, status = os.waitpid(self.pid, os.WNOHANG)
            except ChildProcessError:
                self.returncode = -signal.SIGKILL  # nobody knows any more
                break
            if pid:
                self.returncode = os.waitstatus_to_exitcode(status)
            elif give_up_at is not None and time.monotonic() > give_up_at:
                raise subprocess.TimeoutExpired(str(self.pid), timeout or 0.0)
            else:
                time.sleep(_POLL_S)
        return self.returncode


class ForkServer:
    """The near end of a `bench.arms.fork_server`."""

    def __init__(self, popen: subprocess.Popen[bytes]) -> None:
        self._popen = popen

    @property
    def pid(self) -> int:
        """Its process, which leads a group of its own."""
        return self._popen.pid

    def fork(
        self, module: str, arguments: Sequence[str], env: Mapping[str, str], log: Path
    ) -> Adopted | None:
        """Return a new process that runs a module's `main`; None if the server is gone.

        A server that does not answer in 20 s is ended: what it forked, if it did, is in no one's
        hands then but those of this process's own end.
        """
        request = {
            "module": module,
            "arguments": list(arguments),
            "env": dict(env),
            "log": str(log.absolute()),
        }
        if self._popen.poll() is not None:
            return None
        assert self._popen.stdin is not None
        try:
            self._popen.stdin.write(json.dumps(request).encode() + b"\n")
            self._popen.stdin.flush()
        except BrokenPipeError:
            return None
        answer = self._line(_ANSWER_LIMIT_S)
        if not answer:
            self.end()
            return None
        return Adopted(int(answer))

    async def ready(self) -> bool:
        """Whether it has imported everything; False if it ended instead, or took over 60 s."""
        return await asyncio.to_thread(self._line, _START_LIMIT_S) == READY

    def end(self) -> None:
        """End the server; what it has forked goes on."""
        with contextlib.suppress(BrokenPipeError):
            if self._popen.stdin is not None:
                self._popen.stdin.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._popen.wait(_END_LIMIT_S)
            return
        self._popen.kill()
        self._popen.wait(_END_LIMIT_S)

    def _line(self, limit_s: float) -> bytes:
        """Return the next line, empty if none came in time. The server writes one at once."""
        assert self._popen.stdout is not None
        out = self._popen.stdout.fileno()
        readable, _, _ = select.select([out], [], [], limit_s)
        return os.read(out, 64) if readable else b""


@asynccontextmanager
async def fork_server(
    modules: Sequence[str], env: Mapping[str, str], log: Path
) -> AsyncIterator[ForkServer | None]:
    """Start a server that has imported these modules, and end it at the end.

    None where there is no adopting, and where the server ends at once, as with a setting that is
    wrong: a process that is started by itself says so in its own log.
    """
    if not _adopt_orphans():
        yield None
        return
    with log.open("ab") as errors:
        popen = subprocess.Popen(
            [sys.executable, "-m", "bench.arms.fork_server", *modules],
            env={**os.environ, **env},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            start_new_session=True,
        )
    server = ForkServer(popen)
    try:
        yield server if await server.ready() else None
    finally:
        server.end()
        for pipe in (popen.stdin, popen.stdout):
            if pipe is not None:
                pipe.close()


def reap(group: int) -> bool:
    """Take note of the ends of a killed group's orphans; whether none of them is left."""
    with contextlib.suppress(ChildProcessError):
        while True:
            pid, _ = os.waitpid(-group, os.WNOHANG)
            if pid == 0:
                return False
    return True


def _adopt_orphans() -> bool:
    """Make this process the parent of its descendants' orphans; whether that can be done."""
    if sys.platform != "linux":
        return False
    return bool(ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0)
