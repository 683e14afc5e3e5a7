"""Asks the facade, once a cell's drain is over, what became of every job."""

import asyncio
import hashlib
import time
from collections.abc import Iterable
from typing import Any

import httpx

from bench.arms.topology import Stack
from bench.load.plan import ANSWER_LIMIT_S
from bench.load.workloads import WORKLOADS
from bench.record.history import ClientOp, FinalState, OpPhase
from shared.domain.status import JobStatus

_AT_ONCE = 6
_TRIES = 3
_NO_SUCH_JOB: dict[str, Any] = {}


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
    view = await _get(client, f"/v1/jobs/{job_id}")
    if view == _NO_SUCH_JOB:
        return _state(cell, job_id, None, held=False, where="the facade knows no such job")
    trace: dict[str, Any] | None = None
    if not _over(view):
        trace = await _get(client, f"/v1/operator/jobs/{job_id}/trace")
        if trace and not trace["held"]:
            # It may have ended between the two looks, and then it is not lost.
            view = await _get(client, f"/v1/jobs/{job_id}") or view
    status = JobStatus(view["status"]) if view else None
    readable: bool | None = None
    held: bool | None = None
    where, due_in_s = "", None
    if view and status is JobStatus.SUCCEEDED:
        readable = await _whole(client, view)
    elif not _over(view):
        if trace:
            held, where, due_in_s = trace["held"], trace["where"], trace["due_in_s"]
        else:
            where = "the facade did not answer"
    error = view["error"] if view else None
    return _state(cell, job_id, status, error, readable, held, where, due_in_s)


def _state(
    cell: str,
    job_id: str,
    status: JobStatus | None,
    error: str | None = None,
    readable: bool | None = None,
    held: bool | None = None,
    where: str = "",
    due_in_s: float | None = None,
) -> FinalState:
    known = status.value if status else None
    now, wall_now = time.monotonic(), time.time()
    return FinalState(
        cell, job_id, known, error, readable, held, where, due_in_s, wall_s=wall_now, mono_s=now
    )


def _over(view: dict[str, Any] | None) -> bool:
    return view is not None and JobStatus(view["status"]).terminal


async def _get(client: httpx.AsyncClient, path: str) -> dict[str, Any] | None:
    """Return the answer, nothing in it if there is no such job, None if there is no answer."""
    for _ in range(_TRIES):
        try:
            answer = await client.get(path)
            if answer.status_code == 200:
                body: dict[str, Any] = answer.json()
                return body
            if answer.status_code == 404:
                return _NO_SUCH_JOB
        except httpx.HTTPError:
            pass
        await asyncio.sleep(0.5)
    return None


async def _whole(client: httpx.AsyncClient, view: dict[str, Any]) -> bool:
    """Whether the job has what its workload promises, and every file of it can be read."""
    promised = view[WORKLOADS[view["workload"]].result]
    return bool(promised) and all(
        [await _readable(client, artifact) for artifact in view["artifacts"]]
    )


async def _readable(client: httpx.AsyncClient, artifact: dict[str, Any]) -> bool:
    try:
        answer = await client.get(artifact["url"])
    except httpx.HTTPError:
        return False
    return (
        answer.status_code == 200
        and hashlib.sha256(answer.content).hexdigest() == artifact["sha256"]
    )
