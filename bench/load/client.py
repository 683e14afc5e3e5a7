"""One client of one arm's facade; all that it does becomes part of the history."""

import asyncio
import json
import time
import uuid
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx

from bench.load.plan import ANSWER_LIMIT_S
from bench.record.history import ClientOp, OpPhase
from shared.domain.jobs import IMAGE_GENERATION
from shared.domain.status import JobStatus

_POLL_S = 0.3
_RETRY_S = 0.5
_RECORDED_CHARS = 2_000
_OWN_ERRORS, _SERVER_ERRORS = range(400, 500), range(500, 600)


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: `status` None if nothing did."""

    status: int | None
    job_id: str | None = None
    text: str = ""


@dataclass(slots=True)
class Client:
    """Submits, follows, cancels and brings files, and writes down what came of it.

    No call raises for what the facade answers or fails to answer.
    """

    http: httpx.AsyncClient
    cell: str
    ops: list[ClientOp]
    workload: str = IMAGE_GENERATION
    _seen: dict[str, str] = field(default_factory=dict)

    async def submit(
        self,
        body: Mapping[str, Any],
        key: str,
        op_id: str | None = None,
        *,
        padded_to_bytes: int = 0,
    ) -> Answer:
        """Submit once; tries of one operation share its `op_id` and its key.

        The body is sent with as much white space as makes it so long.
        """
        op_id = op_id or uuid.uuid4().hex
        text = json.dumps(body)
        self._op("submit", OpPhase.INVOKE, op_id, detail=_short(text), key=key)
        answer = await self._ask(
            "POST",
            f"/v1/jobs/{self.workload}",
            content=text.ljust(padded_to_bytes).encode(),
            headers={"Idempotency-Key": key, "Content-Type": "application/json"},
        )
        if answer.status == httpx.codes.ACCEPTED:
            phase = OpPhase.OK
        elif answer.status in _OWN_ERRORS or answer.status == httpx.codes.SERVICE_UNAVAILABLE:
            phase = OpPhase.FAIL
        else:
            phase = OpPhase.INFO
        self._op(
            "submit",
            phase,
            op_id,
            job_id=answer.job_id,
            http_status=answer.status,
            detail="" if phase is OpPhase.OK else answer.text,
            key=key,
        )
        return answer

    async def submit_until_answered(
        self, body: Mapping[str, Any], key: str, limit_s: float
    ) -> Answer:
        """Submit with one key until it is accepted or refused for good; give up after `limit_s`.

        A 503 was refused for certain, and another try is a new operation. Without an answer the
        outcome is not known until another try with the same key tells.
        """
        give_up_at = time.monotonic() + limit_s
        op_id = uuid.uuid4().hex
        while True:
            answer = await self.submit(body, key, op_id)
            settled = answer.status == httpx.codes.ACCEPTED or answer.status in _OWN_ERRORS
            if settled or time.monotonic() > give_up_at:
                return answer
            if answer.status == httpx.codes.SERVICE_UNAVAILABLE:
                op_id = uuid.uuid4().hex
            await asyncio.sleep(_RETRY_S)

    async def cancel(self, job_id: str) -> Answer:
        """Ask for a cancel."""
        op_id = uuid.uuid4().hex
        self._op("cancel", OpPhase.INVOKE, op_id, job_id=job_id)
        answer = await self._ask("POST", f"/v1/jobs/{job_id}/cancel")
        self._outcome("cancel", op_id, job_id, answer)
        return answer

    async def put(self, job_id: str, slot: str, data: bytes, *, limit_s: float) -> Answer:
        """Bring a file of a face session; again, for `limit_s`, while the facade cannot take it."""
        give_up_at = time.monotonic() + limit_s
        while True:
            op_id = uuid.uuid4().hex
            self._op("put", OpPhase.INVOKE, op_id, job_id=job_id, detail=slot)
            answer = await self._ask("PUT", f"/v1/jobs/{job_id}/files/{slot}", content=data)
            self._outcome("put", op_id, job_id, answer)
            settled = answer.status is not None and answer.status not in _SERVER_ERRORS
            if settled or time.monotonic() > give_up_at:
                return answer
            await asyncio.sleep(_RETRY_S)

    async def status(self, job_id: str) -> JobStatus | None:
        """Return a job's status, None without an answer; each change is recorded once."""
        answer = await self._ask("GET", f"/v1/jobs/{job_id}")
        if answer.status != httpx.codes.OK:
            return None
        status = JobStatus(json.loads(answer.text)["status"])
        if self._seen.get(job_id) != status:
            self._seen[job_id] = status
            self._op("follow", OpPhase.OK, job_id, job_id=job_id, status=status, http_status=200)
        return status

    async def until_over(self, job_ids: Iterable[str], limit_s: float) -> bool:
        """Follow jobs until all are over, for `limit_s` at most; return whether they are."""
        give_up_at = time.monotonic() + limit_s
        waiting = list(job_ids)
        while True:
            statuses = [await self.status(job_id) for job_id in waiting]
            waiting = [
                job_id
                for job_id, status in zip(waiting, statuses, strict=True)
                if status is None or not status.terminal
            ]
            if not waiting or time.monotonic() > give_up_at:
                return not waiting
            await asyncio.sleep(_POLL_S)

    async def _ask(self, method: str, path: str, **options: Any) -> Answer:
        try:
            answer = await self.http.request(method, path, **options)
        except httpx.HTTPError as error:
            return Answer(None, text=repr(error))
        job_id = answer.json().get("job_id") if answer.is_success else None
        return Answer(answer.status_code, job_id, answer.text)

    def _outcome(self, op: str, op_id: str, job_id: str, answer: Answer) -> None:
        if answer.status is None or answer.status in _SERVER_ERRORS:
            phase = OpPhase.INFO
        else:
            phase = OpPhase.FAIL if answer.status in _OWN_ERRORS else OpPhase.OK
        detail = "" if phase is OpPhase.OK else answer.text
        self._op(op, phase, op_id, job_id=job_id, http_status=answer.status, detail=detail)

    def _op(self, op: str, phase: OpPhase, op_id: str, **fields: Any) -> None:
        self.ops.append(
            ClientOp(self.cell, op, phase, op_id, time.time(), time.monotonic(), **fields)
        )


@asynccontextmanager
async def connected(
    url: str, cell: str, ops: list[ClientOp], workload: str = IMAGE_GENERATION
) -> AsyncIterator[Client]:
    """Connect a client to the facade at `url`; it gives up an answer after 5 s."""
    async with httpx.AsyncClient(base_url=url, timeout=ANSWER_LIMIT_S) as http:
        yield Client(http, cell, ops, workload)


def _short(text: str) -> str:
    if len(text) <= _RECORDED_CHARS:
        return text
    return f"{text[:_RECORDED_CHARS]}... ({len(text)} characters)"
