"""How busy the machine was while a run went on: a recovery that waited for a processor says little
of its engine."""

import asyncio
import contextlib
import json
import os
import sys
from pathlib import Path

from bench.arms.topology import WORKER_NICE
from bench.record.history import HostSample

_END_LIMIT_S = 5.0


class HostMonitor:
    """Looks at the machine once a second. Use as an async context manager.

    `folder` is on the disk that the run writes to. A probe that dies leaves no samples from then
    on, and nobody then knows whether the machine kept up.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._probe: asyncio.subprocess.Process | None = None
        self._reading: asyncio.Task[None] | None = None
        self.samples: list[HostSample] = []

    async def __aenter__(self) -> "HostMonitor":
        self._probe = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "bench.arms.host_probe", str(self._folder)),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            start_new_session=True,  # a Ctrl-C is for this process, which then ends the probe
        )
        # As far back as the workers stand, so that it waits as long as they do.
        with contextlib.suppress(ProcessLookupError):
            os.setpriority(os.PRIO_PROCESS, self._probe.pid, WORKER_NICE)
        self._reading = asyncio.create_task(self._read(self._probe))
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._probe is not None
        assert self._probe.stdin is not None
        self._probe.stdin.close()
        try:
            await asyncio.wait_for(self._probe.wait(), _END_LIMIT_S)
        except TimeoutError:
            self._probe.kill()
        if self._reading is not None:
            await self._reading

    async def _read(self, probe: asyncio.subprocess.Process) -> None:
        assert probe.stdout is not None
        async for line in probe.stdout:
            self.samples.append(HostSample(**json.loads(line)))
