"""Faults that strike the same step again and again: a poison pill, and deploys in a row."""

import asyncio
import time

from bench.chaos.fault import Facts, Ground
from bench.chaos.faults.worker import WorkerFault, end_within_grace, until_replaced_or_gone
from shared.domain.records import AttemptRecord
from shared.domain.status import RecordKind

_POLL_S = 0.02
_QUIET_S = 30.0
_LIMIT_S = 240.0
_DEPLOYS = 3
_KILL_LIMIT_S = 5.0


class PoisonPill(WorkerFault):
    """Whoever runs the step dies of it, every time, as of a segmentation fault or no memory."""

    facts = Facts(
        name="poison",
        row=9,
        title="Poison pill: the step kills every worker that runs it",
        role="every GPU worker that runs the step",
        moment="generate_image at 25-75 %, then at each new attempt's first progress",
        heals_by="the supervisor starts the workers again; the engine gives up on the job",
    )

    async def inject(self) -> float:
        """Kill the first worker."""
        at = time.monotonic()
        await _kill(self.ground, self.target)
        return at

    async def hold(self) -> None:
        """Kill every worker that takes the step up, until none does for 30 s."""
        successors = _Successors(self.ground, self.target)
        while (attempt := await successors.next()) is not None:
            await _kill(self.ground, attempt)


class Deploys(WorkerFault):
    """The worker that runs the step is told to stop, and so are the two that run it after."""

    facts = Facts(
        name="deploys",
        row=5,
        title="Three deploys within one job",
        role="three GPU workers, one after the other",
        moment="generate_image at 10-40 %, then at each new attempt's first progress",
        heals_by="the supervisor starts the workers again",
        at=(0.1, 0.4),
    )

    async def inject(self) -> float:
        """Tell the first worker to stop."""
        worker = self.ground.stack.place(self.target.worker)
        self._pid, at = worker.pid, time.monotonic()
        worker.terminate()
        return at

    async def hold(self) -> None:
        """See the first out, and tell the next two."""
        await end_within_grace(self.ground.stack.place(self.target.worker), self._pid)
        successors = _Successors(self.ground, self.target)
        for _ in range(_DEPLOYS - 1):
            attempt = await successors.next()
            if attempt is None:
                return
            worker = self.ground.stack.place(attempt.worker)
            pid = worker.pid
            worker.terminate()
            await end_within_grace(worker, pid)


async def _kill(ground: Ground, attempt: AttemptRecord) -> None:
    worker = ground.stack.place(attempt.worker)
    pid = worker.pid
    worker.kill_group()
    await until_replaced_or_gone(worker, pid, _KILL_LIMIT_S)


class _Successors:
    """The attempts that take up the step of `target`, one after the other."""

    def __init__(self, ground: Ground, target: AttemptRecord) -> None:
        self._ground = ground
        self._target = target
        self._seen = {target.attempt_id}
        self._give_up_at = time.monotonic() + _LIMIT_S

    async def next(self) -> AttemptRecord | None:
        """Return the next one once it has made progress; None if none came for 30 s."""
        quiet_at = min(time.monotonic() + _QUIET_S, self._give_up_at)
        while time.monotonic() < quiet_at:
            for records in self._ground.tail.open_attempts():
                newest = records[-1]
                if newest.kind is RecordKind.PROGRESS and self._is_new(newest):
                    self._seen.add(newest.attempt_id)
                    return newest
            await asyncio.sleep(_POLL_S)
        return None

    def _is_new(self, record: AttemptRecord) -> bool:
        same = (record.job_id, record.step) == (self._target.job_id, self._target.step)
        return same and record.attempt_id not in self._seen
