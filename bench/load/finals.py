"""Asks the facade, once a cell's drain is over, what became of every job."""

import asyncio
import hashlib
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any

import httpx

from bench.arms.topology import Stack
from bench.load.plan import ANSWER_LIMIT_S
from bench.load.workloads import WORKLOADS
from bench.record.history import ClientOp, FinalState, OpPhase
from shared.domain.status import JobStatus

_AT_ONCE = 6
_TRIES = 3
_PAUSE_S = 0.5
_NO_SUCH_JOB: dict[str, Any] = {}
_NO_ANSWER = "the facade did not answer"


def accepted(ops: Iterable[ClientOp]) -> list[str]:
    """Return the jobs whose submission was answered, each once, in order of time."""
    answered = (op for op in ops if op.op == "submit" and op.phase is OpPhase.OK)
    return list(dict.fromkeys(op.job_id for op in answered if op.job_id is not None))


async def final_states(stack: Stack, cell: str, job_ids: Iterable[str]) -> list[FinalState]:
    """Return the state of every one of these jobs."""
    gate = asyncio.Semaphore(_AT_ONCE)
    async with httpx.AsyncClient(base_url=stack.url, timeout=ANSWER_LIMIT_S) as client:

        async def one(job_id: str) -> FinalState:
            async with gate:
                return await _final_state(client, cell, job_id)

        return list(await asyncio.gather(*(one(job_id) for job_id in job_ids)))


async def _final_state(client: httpx.AsyncClient, cell: str, job_id: str) -> FinalState:
    """Ask until it is known what became of the job; no answer is no evidence of anything."""
    view = await _get(client, f"/v1/jobs/{job_id}", "status")
    if view is None:
        return _state(cell, job_id, None, where=_NO_ANSWER)
    if view == _NO_SUCH_JOB:
        return _state(cell, job_id, None, held=False, where="the facade knows no such job")
    trace: dict[str, Any] | None = None
    if not _over(view):
        trace = await _get(client, f"/v1/operator/jobs/{job_id}/trace", "closed")
        if trace and not trace["held"]:
            # It may have ended between the two looks, and then it is not lost.
            again = await _get(client, f"/v1/jobs/{job_id}", "status")
            view, trace = again or view, trace if again else None
    status = JobStatus(view["status"])
    readable: bool | None = None
    held: bool | None = None
    where, due_in_s, stuck, closed = "", None, False, False
    if status is JobStatus.SUCCEEDED:
        readable = await _whole(client, view)
    elif not status.terminal:
        if trace:
            held, where, due_in_s = trace["held"], trace["where"], trace["due_in_s"]
            stuck, closed = bool(trace.get("stuck")), bool(trace.get("closed"))
        else:
            where = _NO_ANSWER
    return _state(
        cell,
        job_id,
        status,
        view["error"],
        readable,
        held,
        where,
        due_in_s,
        stuck=stuck,
        closed=closed,
    )


def _state(
    cell: str,
    job_id: str,
    status: JobStatus | None,
    error: str | None = None,
    readable: bool | None = None,
    held: bool | None = None,
    where: str = "",
    due_in_s: float | None = None,
    *,
    stuck: bool = False,
    closed: bool = False,
) -> FinalState:
    known = status.value if status else None
    now, wall_now = time.monotonic(), time.time()
    return FinalState(
        cell=cell,
        job_id=job_id,
        status=known,
        error=error,
        readable=readable,
        held=held,
        where=where,
        due_in_s=due_in_s,
        wall_s=wall_now,
        mono_s=now,
        stuck=stuck,
        closed=closed,
    )


def _over(view: dict[str, Any]) -> bool:
    return JobStatus(view["status"]).terminal


async def _ask(
    client: httpx.AsyncClient, url: str, whole: Callable[[httpx.Response], bool]
) -> httpx.Response | None:
    """Return the first answer that is a whole one, None if there is none in a few tries."""
    for _ in range(_TRIES):
        with suppress(httpx.HTTPError, ValueError):
            answer = await client.get(url)
            if whole(answer):
                return answer
        await asyncio.sleep(_PAUSE_S)
    return None


async def _get(client: httpx.AsyncClient, path: str, needs: str) -> dict[str, Any] | None:
    """Return the answer, nothing in it if there is no such job, None if there is no whole one.

    `needs` is a key without which an answer is none.
    """

    def whole(answer: httpx.Response) -> bool:
        if answer.status_code == 200:
            body = answer.json()
            return isinstance(body, dict) and needs in body
        return answer.status_code == 404

    answer = await _ask(client, path, whole)
    if answer is None:
        return None
    return dict(answer.json()) if answer.status_code == 200 else _NO_SUCH_JOB


async def _whole(client: httpx.AsyncClient, view: dict[str, Any]) -> bool | None:
    """Whether the job has what its workload promises, and every file of it can be read.

    None if a file could not be asked for.
    """
    if not view[WORKLOADS[view["workload"]].result]:
        return False
    read = [await _readable(client, artifact) for artifact in view["artifacts"]]
    return False if False in read else None if None in read else True


async def _readable(client: httpx.AsyncClient, artifact: dict[str, Any]) -> bool | None:
    answer = await _ask(client, artifact["url"], lambda answer: answer.status_code < 500)
    if answer is None:
        return None
    return answer.status_code == 200 and (
        hashlib.sha256(answer.content).hexdigest() == str(artifact["sha256"])
    )
