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
from typing import IO

from bench.arms.fork_server import MODULE, READY

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
    """The near end of a `bench.arms.fork_server`: its process, and the pipes to and from it."""

    def __init__(
        self, process: subprocess.Popen[bytes] | Adopted, requests: IO[bytes], answers: IO[bytes]
    ) -> None:
        self._process = process
        self._requests = requests
        self._answers = answers

    @property
    def pid(self) -> int:
        """Its process, which leads a group of its own."""
        return self._process.pid

    def fork(
        self,
        module: str,
        arguments: Sequence[str],
        env: Mapping[str, str],
        log: Path,
        *,
        stdin: str = os.devnull,
        stdout: str = "",
    ) -> Adopted | None:
        """Return a new process that runs a module's `main`; None if the server is gone.

        Its output goes to `log`, but for what `stdout` is named for. A server that does not answer
        in 20 s is ended: what it forked, if it did, is in no one's hands then but those of this
        process's own end.
        """
        request = {
            "module": module,
            "arguments": list(arguments),
            "env": dict(env),
            "log": str(log.absolute()),
            "stdin": stdin,
            "stdout": stdout,
        }
        try:
            self._requests.write(json.dumps(request).encode() + b"\n")
            self._requests.flush()
        except (BrokenPipeError, ValueError):  # gone, or ended by us
            return None
        answer = self._line(_ANSWER_LIMIT_S)
        if not answer:
            self.end()
            return None
        return Adopted(int(answer))

    def fork_server(
        self, modules: Sequence[str], env: Mapping[str, str], log: Path
    ) -> "ForkServer | None":
        """Return a server that has this one's modules already, and is to import more."""
        # A pipe has no name but this one. The other ends are never inherited.
        from_us, requests = os.pipe()
        answers, to_us = os.pipe()
        try:
            process = self.fork(
                MODULE,
                modules,
                {**os.environ, **env},
                log,
                stdin=f"/proc/{os.getpid()}/fd/{from_us}",
                stdout=f"/proc/{os.getpid()}/fd/{to_us}",
            )
        finally:
            os.close(from_us)
            os.close(to_us)
        ends = (os.fdopen(requests, "wb"), os.fdopen(answers, "rb", buffering=0))
        if process is None:
            for end in ends:
                end.close()
            return None
        return ForkServer(process, *ends)

    async def ready(self) -> bool:
        """Whether it has imported everything; False if it ended instead, or took over 60 s."""
        return await asyncio.to_thread(self._line, _START_LIMIT_S) == READY

    def end(self) -> None:
        """End the server; what it has forked goes on."""
        with contextlib.suppress(BrokenPipeError):
            self._requests.close()
        try:
            self._process.wait(_END_LIMIT_S)
        except subprocess.TimeoutExpired:
            os.kill(self.pid, signal.SIGKILL)
            self._process.wait(_END_LIMIT_S)
        self._answers.close()

    def _line(self, limit_s: float) -> bytes:
        """Return the next line, empty if none came in time. The server writes one at once."""
        if self._answers.closed:
            return b""
        out = self._answers.fileno()
        readable, _, _ = select.select([out], [], [], limit_s)
        return os.read(out, 64) if readable else b""


@asynccontextmanager
async def fork_server(
    modules: Sequence[str],
    env: Mapping[str, str],
    log: Path,
    *,
    forked_by: ForkServer | None = None,
) -> AsyncIterator[ForkServer | None]:
    """Start a server that has imported these modules, and end it at the end.

    With `forked_by`, which has to have imported this module's far end, it is forked itself. None
    where there is no adopting, and where the server ends at once, as with a setting that is wrong:
    a process that is started by itself says so in its own log.
    """
    server = forked_by.fork_server(modules, env, log) if forked_by else None
    if server is None and not _adopt_orphans():
        yield None
        return
    server = server or _start(modules, env, log)
    try:
        yield server if await server.ready() else None
    finally:
        server.end()


def _start(modules: Sequence[str], env: Mapping[str, str], log: Path) -> ForkServer:
    with log.open("ab") as errors:
        popen = subprocess.Popen(
            [sys.executable, "-m", MODULE, *modules],
            env={**os.environ, **env},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            start_new_session=True,
        )
    assert popen.stdin is not None
    assert popen.stdout is not None
    return ForkServer(popen, popen.stdin, popen.stdout)


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
