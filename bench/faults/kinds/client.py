"""Faults that a client causes: the same request twice, a change of mind, a body without measure."""

import asyncio
import time
import uuid
from abc import abstractmethod
from contextlib import AbstractAsyncContextManager
from dataclasses import replace

import httpx

from bench.faults.fault import NOBODY, Facts, Fault, FaultContext, Observation
from bench.load.client import Answer, Client, connected
from bench.record.history import ClientOp
from shared.domain.status import RecordKind

_ANSWERED_WITHIN_S = 30.0
_ONCE_MORE_AFTER_S = 1.0
_STOPPED_WITHIN_S = 60.0
_FAR_TOO_LONG = 2_100_000
_JUST_SHORT_ENOUGH_BYTES = 64 * 1024 - 1
_REFUSALS = range(400, 500)


class OwnJob(Fault):
    """A fault that submits a job of its own, and so aims at no attempt."""

    def client(self) -> AbstractAsyncContextManager[Client]:
        """Connect a client whose operations are part of the cell's history."""
        return client_of(self.context, self.context.ops, self.facts.workload)

    def about(self, job_id: str) -> None:
        """From now on the fault is known to be about this job."""
        self.target = replace(NOBODY, job_id=job_id)

    @abstractmethod
    def observed(self) -> Observation:
        """Say whether the answers show that the fault struck."""


class DoubleSubmit(OwnJob):
    """The same submit, with the same key, twice at the same time and once more a second later."""

    facts = Facts(
        name="double-submit",
        row=14,
        title="The same submit twice at once, and once more later",
        role="client",
        moment="at any time",
        heals_by="nothing is to be healed",
        aimed=False,
    )

    async def inject(self) -> float:
        """Submit three times."""
        body, key = next(self.context.bodies), uuid.uuid4().hex
        at = time.monotonic()
        async with self.client() as client:

            async def submit() -> Answer:
                return await client.submit_until_answered(body, key, _ANSWERED_WITHIN_S)

            self._answers = list(await asyncio.gather(submit(), submit()))
            await asyncio.sleep(_ONCE_MORE_AFTER_S)
            self._answers.append(await submit())
        for answer in self._answers:
            if answer.job_id is not None:
                self.about(answer.job_id)
        return at

    def observed(self) -> Observation:
        """Each was accepted. That they name one job is for the checkers to say."""
        refused = [answer for answer in self._answers if answer.job_id is None]
        if refused:
            return Observation(False, f"not accepted: {refused[0].status} {refused[0].text[:200]}")
        jobs = {answer.job_id for answer in self._answers}
        return Observation(True, f"{len(self._answers)} submits, {len(jobs)} job")


class Cancel(Fault):
    """The client cancels its job while a step computes."""

    facts = Facts(
        name="cancel",
        row=18,
        title="Job cancelled while it computes",
        role="client",
        moment="generate_image at 25-75 %",
        heals_by="the job is over",
    )
    _over = False

    async def inject(self) -> float:
        """Ask for the cancel; return when it was asked for."""
        async with client_of(self.context, self.context.ops) as client:
            at = time.monotonic()
            self._answer = await client.cancel(self.target.job_id)
        self._answered_at = time.monotonic()
        return at

    def observed(self) -> Observation:
        """The facade took it, and the attempt was at work."""
        if self._answer.status is None or self._answer.status >= httpx.codes.BAD_REQUEST:
            return Observation(False, f"the cancel was answered {self._answer.status}")
        seen = super().observed()
        finished = [
            record
            for record in self.context.tail.by_attempt[self.target.attempt_id]
            if record.kind is RecordKind.FINISHED and record.mono_s <= self._answered_at
        ]
        if finished:
            return Observation(False, "the step was finished before the cancel was answered")
        return seen

    async def hold(self) -> None:
        """Wait until the job is over. The load follows it too, and what it sees is recorded."""
        async with client_of(self.context, []) as client:
            self._over = await client.until_over([self.target.job_id], _STOPPED_WITHIN_S)

    def healed(self) -> bool:
        """Whether the job is over."""
        return self._over


class Oversized(OwnJob):
    """A submit over 2 MB, and then one with the same key that is as long as it may be."""

    facts = Facts(
        name="oversized",
        row=20,
        title="Submit of more than 2 MB",
        role="client",
        moment="at any time; a body may have 64 KiB, for jobs name files and never carry them",
        heals_by="the client sends a smaller body",
        aimed=False,
    )

    async def inject(self) -> float:
        """Submit both."""
        body, key = next(self.context.bodies), uuid.uuid4().hex
        at = time.monotonic()
        async with self.client() as client:
            self._refused = await client.submit({**body, "prompt": "x" * _FAR_TOO_LONG}, key)
            # Had anything been kept of the first, its key would now come with another body.
            self._accepted = await client.submit(
                body, key, padded_to_bytes=_JUST_SHORT_ENOUGH_BYTES
            )
        if self._accepted.job_id is not None:
            self.about(self._accepted.job_id)
        return at

    def observed(self) -> Observation:
        """The first was refused and left nothing behind; the second was accepted."""
        first, second = self._refused, self._accepted
        if first.status not in _REFUSALS:
            return Observation(False, f"the oversized body was answered {first.status}")
        if second.job_id is None:
            return Observation(False, f"the other was answered {second.status} {second.text[:200]}")
        return Observation(True, f"{first.status}, then {second.status}")


def client_of(
    context: FaultContext, ops: list[ClientOp], workload: str = Cancel.facts.workload
) -> AbstractAsyncContextManager[Client]:
    """Connect a client to the arm's facade; what it does is appended to `ops`."""
    return connected(context.stack.url, context.cell, ops, workload)
