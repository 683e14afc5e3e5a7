"""A message that comes while its only worker is busy with a retry, and the worker is killed."""

import asyncio
import time
import uuid
from collections.abc import Callable

from bench.arms.ending import kill_at_once
from bench.arms.engines import ENGINES
from bench.arms.supervisor import Managed
from bench.faults.fault import Facts, NotStruck, Observation
from bench.faults.kinds.client import OwnJob
from bench.faults.kinds.storage import CAN_LIMIT, WHY_NO_LIMIT, limit_files
from bench.load.client import Client
from shared.domain.impact import Impact
from shared.domain.records import AttemptRecord
from shared.domain.status import RecordKind
from shared.policy import GENERATE_IMAGE, RESERVE_CREDITS

_ANSWERED_WITHIN_S = 30.0
_WITHIN_S = 45.0
_UNWRITABLE_S = 0.5
_ON_ITS_WAY_S = 0.5
"""How long after the step before it a message is surely with the broker or the server."""
_POLL_S = 0.02
_BUDGETS = 8
"""How many detection budgets both jobs are waited for after the kill."""


class ParkedMessage(OwnJob):
    """A step fails once; its retry falls due; another job comes; the worker is killed.

    What has to be recovered is the other job's step, which nobody has begun. A worker that waits
    for a countdown may have asked for a message more than it can run, and then holds that one.
    """

    facts = Facts(
        name="parked-message",
        impact=Impact.PARKED,
        row=None,
        title="Message that comes while a retry runs, then the worker killed (SIGKILL)",
        role="GPU worker, the arm's only one",
        moment="generate_image runs for a second time, and another job's waits for the worker",
        heals_by="the supervisor starts the worker again",
        absent={} if CAN_LIMIT else dict.fromkeys(ENGINES, WHY_NO_LIMIT),
        aimed=False,
        whole_arm=True,
        lone_worker=True,
        one="kill",
        many="kills",
        mark="SIGKILL",
    )
    _failing: int | None = None
    _place: Managed | None = None
    _pid = 0

    async def inject(self) -> float:
        """Kill; return when the signal was sent."""
        async with self.client() as client:
            retried = await self._submitted(client)
            first = await self._until(lambda: self._at_work(retried), "a first attempt")
            await self._fail(first)
            again = await self._until(lambda: self._begun(retried, first), "a retry")
            waiting = await self._submitted(client)
        self.about(waiting)
        await self._until(lambda: self._finished(waiting, RESERVE_CREDITS), "the other job")
        await asyncio.sleep(_ON_ITS_WAY_S)
        self.context.tail.refresh()
        if self._begun(waiting) or self._over(again):
            raise NotStruck("nothing waited behind the retry any more")
        self._jobs = (retried, waiting)
        place = self.context.place(again.worker)
        self._place, self._pid = place, place.pid
        return await kill_at_once(place)

    async def _submitted(self, client: Client) -> str:
        body = {**next(self.context.bodies), "n": 1}
        answer = await client.submit_until_answered(body, uuid.uuid4().hex, _ANSWERED_WITHIN_S)
        if answer.job_id is None:
            raise NotStruck(f"a submit was answered {answer.status} {answer.text[:200]}")
        return answer.job_id

    async def _fail(self, attempt: AttemptRecord) -> None:
        """Let the process that computes write nothing for as long as the step takes to notice."""
        self._failing = attempt.pid
        try:
            limit_files(attempt.pid, 0)
            await asyncio.sleep(_UNWRITABLE_S)
        finally:
            self.heal()

    def observed(self) -> Observation:
        """The other job's step had not begun when the worker was killed."""
        self.context.tail.refresh()
        early = self._begun(self.target.job_id)
        if early is not None and early.mono_s <= self.struck_at:
            return Observation(False, "the step had begun before the kill")
        return Observation(True, f"behind a retry of job {self._jobs[0]}")

    async def hold(self) -> None:
        """Wait until both jobs are over, or will not be so soon."""
        async with self.client() as client:
            limit_s = _BUDGETS * self.context.detection_budget_s
            await client.until_over(self._jobs, limit_s)

    def heal(self) -> None:
        """Let the process write again, if it is still there."""
        if self._failing is not None:
            limit_files(self._failing, None)
            self._failing = None

    def healed(self) -> bool:
        """Whether another process has taken the worker's place."""
        place = self._place
        return place is None or (place.pid != self._pid and not place.exited())

    def _at_work(self, job_id: str) -> AttemptRecord | None:
        found = self._pictures(job_id)
        return next((record for record in found if record.kind is RecordKind.PROGRESS), None)

    def _begun(self, job_id: str, but: AttemptRecord | None = None) -> AttemptRecord | None:
        """Return the first record of a picture, beside one attempt."""
        not_of = but.attempt_id if but else ""
        found = self._pictures(job_id)
        return next((record for record in found if record.attempt_id != not_of), None)

    def _finished(self, job_id: str, step: str) -> AttemptRecord | None:
        wanted = (job_id, step, RecordKind.FINISHED)
        records = self.context.tail.records
        return next((r for r in records if (r.job_id, r.step, r.kind) == wanted), None)

    def _over(self, attempt: AttemptRecord) -> bool:
        records = self.context.tail.by_attempt[attempt.attempt_id]
        return any(record.kind.ends_attempt for record in records)

    def _pictures(self, job_id: str) -> list[AttemptRecord]:
        return [
            record
            for record in self.context.tail.records
            if record.job_id == job_id and record.step.partition("/")[0] == GENERATE_IMAGE
        ]

    async def _until(self, found: Callable[[], AttemptRecord | None], what: str) -> AttemptRecord:
        give_up_at = time.monotonic() + _WITHIN_S
        while time.monotonic() < give_up_at:
            record = found()
            if record is not None:
                return record
            await asyncio.sleep(_POLL_S)
        raise TimeoutError(f"{what} was not seen within {_WITHIN_S:g} s")
