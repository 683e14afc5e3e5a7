"""Faults that strike the facade."""

import asyncio
import time
import uuid
from typing import Any

from bench.faults.fault import Facts, Observation
from bench.faults.kinds.client import OwnJob
from bench.load.client import Answer, Client
from bench.record.history import OpPhase

_AT_ONCE = 4
_WAVES = 6
_KILLED_AT = (0.1, 0.9)
_ANSWERED_WITHIN_S = 45.0


class FacadeSigkill(OwnJob):
    """The facade is killed while it accepts; its clients ask again with the same keys."""

    facts = Facts(
        name="facade-sigkill",
        row=21,
        title="Facade killed while it accepts (SIGKILL)",
        role="facade",
        moment="at 10-90 % of the time that four submits at once take, with one still unanswered",
        heals_by="the supervisor starts the facade again; clients repeat what got no answer",
        whole_arm=True,
        aimed=False,
    )
    _pid = 0

    async def inject(self) -> float:
        """Kill; return when the signal was sent. All submits have an answer by then."""
        async with self.client() as client, asyncio.TaskGroup() as group:
            submits = await self._until_one_is_in_flight(client, group)
            facade = self.context.stack.facade
            self._pid, at = facade.pid, time.monotonic()
            if submits:
                facade.kill_group()
        if not submits:
            raise TimeoutError("the facade answered every submit before it could be killed")
        self._answers = {key: submit.result() for key, submit in submits.items()}
        self._cut_off = [key for key in submits if self._had_no_answer(key)]
        found = [job_id for key in self._cut_off if (job_id := self._answers[key].job_id)]
        if found:
            self.about(found[0])
        return at

    async def _until_one_is_in_flight(
        self, client: Client, group: asyncio.TaskGroup
    ) -> dict[str, asyncio.Task[Answer]]:
        """Submit in waves; return the first, by key, that is not wholly answered at its moment.

        The first wave is answered: it shows how long that takes here, at most.
        """
        began = time.monotonic()
        await asyncio.wait(self._wave(client, group).values())
        usual_s = time.monotonic() - began
        for _ in range(_WAVES):
            submits = self._wave(client, group)
            after_s = self.context.rng.uniform(*_KILLED_AT) * usual_s
            await asyncio.sleep(after_s)
            if not all(submit.done() for submit in submits.values()):
                return submits
            usual_s = after_s
        return {}

    def _wave(self, client: Client, group: asyncio.TaskGroup) -> dict[str, asyncio.Task[Answer]]:
        return {
            key: group.create_task(
                client.submit_until_answered(self._short_job(), key, _ANSWERED_WITHIN_S)
            )
            for key in (uuid.uuid4().hex for _ in range(_AT_ONCE))
        }

    def _short_job(self) -> dict[str, Any]:
        """A job that is soon over: waves that miss must leave no backlog to those that follow."""
        return {**next(self.context.bodies), "n": 1, "steps": 1}

    def _had_no_answer(self, key: str) -> bool:
        """Whether the first try of a submit, which was sent before the kill, got no answer."""
        outcomes = (
            op for op in self.context.ops if op.key == key and op.phase is not OpPhase.INVOKE
        )
        first = next(outcomes)
        return first.phase is OpPhase.INFO and first.http_status is None

    def observed(self) -> Observation:
        """A submit was cut off."""
        if not self._cut_off:
            return Observation(False, "every submit was answered before the kill")
        lacking = [key for key in self._cut_off if self._answers[key].job_id is None]
        detail = f"{len(self._cut_off)} of {len(self._answers)} submits cut off"
        if lacking:
            answer = self._answers[lacking[0]]
            detail += f"; {len(lacking)} never accepted: {answer.status} {answer.text[:200]}"
        return Observation(True, detail)

    def healed(self) -> bool:
        """Whether another process has taken the facade's place."""
        facade = self.context.stack.facade
        return facade.pid != self._pid and not facade.exited()
