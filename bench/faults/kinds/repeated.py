"""Faults that strike the same step again and again: a poison pill, and deploys in a row."""

import asyncio
import time

from bench.arms.ending import end_within_grace, kill_at_once
from bench.faults.fault import Facts, FaultContext
from bench.faults.kinds.worker import Sigkill, ToldToStop
from shared.domain.impact import Impact
from shared.domain.records import AttemptRecord
from shared.domain.status import RecordKind

_POLL_S = 0.02
_QUIET_S = 30.0
_LIMIT_S = 240.0
_DEPLOYS = 3


class PoisonPill(Sigkill):
    """Whoever runs the step dies of it, every time, as of a segmentation fault or no memory."""

    facts = Facts(
        name="poison",
        impact=Impact.KILLED,
        row=9,
        title="Poison pill: the step kills every worker that runs it",
        role="every GPU worker that runs the step",
        moment="generate_image at 25-75 %, then at each new attempt's first progress",
        heals_by="the supervisor starts the workers again; the engine gives up on the job",
    )

    async def hold(self) -> None:
        """Kill every worker that takes the step up, until none does for 30 s."""
        successors = _Successors(self.context, self.target)
        while (attempt := await successors.next()) is not None:
            await kill_at_once(self.context.stack.place(attempt.worker))


class Deploys(ToldToStop):
    """The worker that runs the step is told to stop, and so are the two that run it after."""

    facts = Facts(
        name="deploys",
        impact=Impact.STOPPED,
        row=5,
        title="Three deploys within one job",
        role="three GPU workers, one after the other",
        moment="generate_image at 10-40 %, then at each new attempt's first progress",
        heals_by="the supervisor starts the workers again",
        at=(0.1, 0.4),
    )

    async def hold(self) -> None:
        """See the first out, and tell the next two."""
        await super().hold()
        successors = _Successors(self.context, self.target)
        for _ in range(_DEPLOYS - 1):
            attempt = await successors.next()
            if attempt is None:
                return
            worker = self.context.stack.place(attempt.worker)
            pid = worker.pid
            worker.terminate()
            await end_within_grace(worker, pid)


class _Successors:
    """The attempts that take up the step of `target`, one after the other."""

    def __init__(self, context: FaultContext, target: AttemptRecord) -> None:
        self._context = context
        self._target = target
        self._seen = {target.attempt_id}
        self._give_up_at = time.monotonic() + _LIMIT_S

    async def next(self) -> AttemptRecord | None:
        """Return the next one once it has made progress; None if none came for 30 s."""
        quiet_at = min(time.monotonic() + _QUIET_S, self._give_up_at)
        while time.monotonic() < quiet_at:
            for records in self._context.tail.open_attempts():
                newest = records[-1]
                if newest.kind is RecordKind.PROGRESS and self._is_new(newest):
                    self._seen.add(newest.attempt_id)
                    return newest
            await asyncio.sleep(_POLL_S)
        return None

    def _is_new(self, record: AttemptRecord) -> bool:
        same = (record.job_id, record.step) == (self._target.job_id, self._target.step)
        return same and record.attempt_id not in self._seen
