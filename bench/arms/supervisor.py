"""Starts, watches, restarts and ends the processes of a run, each in its own process group."""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bench.arms.forked import Adopted, ForkServer, reap
from bench.record.history import ProcessEvent

_POLL_S = 0.05
_NICEST = 19
_KILL_WAIT_S = 10.0
_REAP_LIMIT_S = 2.0


Process = subprocess.Popen[bytes] | Adopted


@dataclass(frozen=True, slots=True)
class ProcessSpec:
    """What to run. `restart_delay_s` None means that it is not restarted when it ends.

    With `forked_by`, `argv` is `python -m MODULE ARGUMENTS`, and the module is one of the server's.
    """

    name: str
    role: str
    argv: Sequence[str]
    env: Mapping[str, str] = field(default_factory=dict)
    arm: str = ""
    url: str = ""
    """Where it may be asked how it is."""
    restart_delay_s: float | None = None
    stop_grace_s: float = 10.0
    nice: int = 0
    """How far it stands back when processors are short; its children inherit it."""
    forked_by: ForkServer | None = None


class Managed:
    """One supervised place, filled by one process after another."""

    def __init__(self, spec: ProcessSpec, popen: Process, log: Path) -> None:
        self.spec = spec
        self.popen = popen
        self.log = log
        self.stopping = False
        self.held = False
        """Whether to leave the place empty for now, once its process has ended."""
        self.restarts = 0

    @property
    def pid(self) -> int:
        """The current process, which leads its own process group."""
        return self.popen.pid

    def last_words(self) -> str:
        """Return the last line of the process's log."""
        lines = self.log.read_text(errors="replace").strip().splitlines()
        return lines[-1] if lines else f"nothing in {self.log}"

    def exited(self) -> bool:
        """Whether the current process is over; it is not reaped by this."""
        if self.popen.returncode is not None:
            return True
        flags = os.WEXITED | os.WNOHANG | os.WNOWAIT
        try:
            return os.waitid(os.P_PID, self.pid, flags) is not None
        except ChildProcessError:
            return True

    def kill_group(self) -> None:
        """SIGKILL the whole process group, main process and children alike."""
        if self.popen.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.pid, signal.SIGKILL)

    def stop_group(self) -> None:
        """SIGSTOP the whole process group."""
        if self.popen.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.pid, signal.SIGSTOP)

    def continue_group(self) -> None:
        """SIGCONT the whole process group, which something has stopped."""
        if self.popen.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.pid, signal.SIGCONT)

    def terminate(self) -> None:
        """SIGTERM the main process only: children are its own business, as under systemd's
        `KillMode=mixed` and Kubernetes."""
        if self.popen.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGTERM)


class Supervisor:
    """All processes of one run. Use as an async context manager: leaving it ends them all."""

    def __init__(self, logs: Path) -> None:
        self._logs = logs
        self._places: list[Managed] = []
        self._guardian: subprocess.Popen[str] | None = None
        self._watch: asyncio.Task[None] | None = None
        self._restarts: set[asyncio.Task[None]] = set()
        self._orphaned: set[int] = set()
        """Groups that were killed and not seen to end in all their members."""
        self.events: list[ProcessEvent] = []

    async def __aenter__(self) -> "Supervisor":
        self._logs.mkdir(parents=True, exist_ok=True)
        self._guardian = subprocess.Popen(
            [sys.executable, "-m", "bench.arms.guardian"],
            stdin=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self._watch = asyncio.create_task(self._watch_all())
        return self

    async def __aexit__(self, *_: object) -> None:
        # Also when cancelled: a second Ctrl-C may interrupt this, and then the guardian acts.
        try:
            await self.stop(self._places)
        finally:
            for task in [self._watch, *self._restarts]:
                if task is not None:
                    task.cancel()
            if self._guardian is not None and self._guardian.stdin is not None:
                self._guardian.stdin.close()
                self._guardian.wait(timeout=_KILL_WAIT_S)

    @property
    def places(self) -> list[Managed]:
        """Everything that is supervised now."""
        return list(self._places)

    def start(self, spec: ProcessSpec) -> Managed:
        """Start a process; its output goes to `logs/<arm>-<name>.log`."""
        place = Managed(spec, self._spawn(spec), self._log_of(spec))
        self._places.append(place)
        return place

    def _spawn(self, spec: ProcessSpec) -> Process:
        env, log = {**os.environ, **spec.env}, self._log_of(spec)
        popen: Process | None = None
        if spec.forked_by is not None:
            _, _, module, *arguments = spec.argv
            popen = spec.forked_by.fork(module, arguments, env, log)
        if popen is None:
            with log.open("ab") as out:
                popen = subprocess.Popen(
                    list(spec.argv),
                    env=env,
                    stdin=subprocess.DEVNULL,
                    stdout=out,
                    stderr=out,
                    start_new_session=True,
                )
        if spec.nice:
            mine = os.getpriority(os.PRIO_PROCESS, 0)
            os.setpriority(os.PRIO_PROCESS, popen.pid, min(mine + spec.nice, _NICEST))
        self._tell_guardian("+", popen.pid)
        self._event(spec, popen.pid, "start")
        return popen

    def _log_of(self, spec: ProcessSpec) -> Path:
        label = f"{spec.arm}-{spec.name}" if spec.arm else spec.name
        return self._logs / f"{label.replace('/', '-')}.log"

    async def stop(self, places: Sequence[Managed]) -> None:
        """SIGTERM, then SIGKILL after the grace; returns when all are gone."""
        places = [place for place in places if place in self._places]
        for place in places:
            place.stopping = True
            place.terminate()
        grace_s = max((place.spec.stop_grace_s for place in places), default=0.0)
        try:
            await self._until_gone(places, grace_s)
        finally:
            for place in places:
                place.kill_group()
            for place in places:
                place.popen.wait(timeout=_KILL_WAIT_S)
                self._tell_guardian("-", place.pid)
                self._orphaned.add(place.pid)
                self._event(place.spec, place.pid, "exit", str(place.popen.returncode))
                self._places.remove(place)
        await self._until_reaped()

    async def _until_reaped(self) -> None:
        give_up_at = time.monotonic() + _REAP_LIMIT_S
        self._reap_orphans()
        while self._orphaned and time.monotonic() < give_up_at:
            await asyncio.sleep(_POLL_S)
            self._reap_orphans()

    async def _until_gone(self, places: Sequence[Managed], limit_s: float) -> None:
        give_up_at = time.monotonic() + limit_s
        while time.monotonic() < give_up_at:
            if all(place.exited() for place in places):
                return
            await asyncio.sleep(_POLL_S)

    async def _watch_all(self) -> None:
        while True:
            for place in self._places:
                if not place.stopping and place.popen.returncode is None and place.exited():
                    self._bury(place)
                    if place.spec.restart_delay_s is not None:
                        task = asyncio.create_task(self._restart(place))
                        self._restarts.add(task)
                        task.add_done_callback(self._restarts.discard)
            self._reap_orphans()
            await asyncio.sleep(_POLL_S)

    def _bury(self, place: Managed) -> None:
        # The main process is a zombie still, so its group id cannot have been given away.
        place.kill_group()
        place.popen.wait(timeout=_KILL_WAIT_S)
        self._tell_guardian("-", place.pid)
        self._orphaned.add(place.pid)
        self._event(place.spec, place.pid, "exit", str(place.popen.returncode))

    def _reap_orphans(self) -> None:
        self._orphaned -= {group for group in self._orphaned if reap(group)}

    async def _restart(self, place: Managed) -> None:
        assert place.spec.restart_delay_s is not None
        await asyncio.sleep(place.spec.restart_delay_s)
        while place.held and not place.stopping:
            await asyncio.sleep(_POLL_S)
        if not place.stopping:
            place.popen = self._spawn(place.spec)
            place.restarts += 1

    def _tell_guardian(self, sign: str, group: int) -> None:
        if self._guardian is not None and self._guardian.stdin is not None:
            with contextlib.suppress(BrokenPipeError):
                self._guardian.stdin.write(f"{sign}{group}\n")
                self._guardian.stdin.flush()

    def _event(self, spec: ProcessSpec, pid: int, phase: str, detail: str = "") -> None:
        self.events.append(
            ProcessEvent(
                spec.arm, spec.name, spec.role, pid, phase, time.time(), time.monotonic(), detail
            )
        )
