"""What became of every job of a soak, without fetching twenty thousand pictures a second time."""

import asyncio
import time
from collections import defaultdict
from collections.abc import Sequence

import httpx

from bench.arms.topology import Stack
from bench.load.finals import accepted, final_states
from bench.load.plan import ANSWER_LIMIT_S
from bench.record.history import ClientOp, FinalState, OpPhase
from shared.domain.status import JobStatus

_AT_ONCE = 6
_PAGE, _PAGE_LIMIT_S = 50, 60.0


async def soak_finals(stack: Stack, cell: str, ops: Sequence[ClientOp]) -> list[FinalState]:
    """Return the state of every job that the load submitted, known to it or not.

    Of a job that has succeeded the pictures count as readable if the client has fetched them all
    and their checksums matched; whatever else is asked in full.
    """
    fetched: dict[str, set[str]] = defaultdict(set)
    for op in ops:
        if op.op == "fetch" and op.phase is OpPhase.OK and op.job_id is not None:
            fetched[op.job_id].add(op.detail)
    gate = asyncio.Semaphore(_AT_ONCE)
    async with httpx.AsyncClient(base_url=stack.url, timeout=ANSWER_LIMIT_S) as client:

        async def one(job_id: str) -> FinalState | None:
            async with gate:
                return await _seen_whole(client, cell, job_id, fetched[job_id])

        seen = [state for state in await asyncio.gather(*map(one, list(fetched))) if state]
        strays = await _strays(client, ops) if _unanswered(ops) else []
    settled = {state.job_id for state in seen}
    others = [job_id for job_id in accepted(ops) if job_id not in settled]
    return [*seen, *await final_states(stack, cell, [*others, *strays])]


def _unanswered(ops: Sequence[ClientOp]) -> bool:
    """Whether a client gave up on a submit without knowing what came of it."""
    submits = [op for op in ops if op.op == "submit"]
    invoked = {op.op_id for op in submits if op.phase is OpPhase.INVOKE}
    known = {op.op_id for op in submits if op.phase in (OpPhase.OK, OpPhase.FAIL)}
    return bool(invoked - known)


async def _strays(client: httpx.AsyncClient, ops: Sequence[ClientOp]) -> list[str]:
    """Return the jobs that the facade has and no client knows of."""
    known = {op.job_id for op in ops}
    found: list[str] = []
    path: str | None = f"/v1/jobs?limit={_PAGE}"
    while path is not None:
        page = (await client.get(path, timeout=_PAGE_LIMIT_S)).raise_for_status().json()
        found += [job["job_id"] for job in page["jobs"] if job["job_id"] not in known]
        path = page["next"]
    return found


async def _seen_whole(
    client: httpx.AsyncClient, cell: str, job_id: str, fetched: set[str]
) -> FinalState | None:
    """Return a job's state if it has succeeded and the client has all that it made."""
    try:
        answer = await client.get(f"/v1/jobs/{job_id}")
    except httpx.HTTPError:
        return None
    view = answer.json() if answer.status_code == httpx.codes.OK else {}
    names = {artifact["name"] for artifact in view.get("artifacts", [])}
    if view.get("status") != JobStatus.SUCCEEDED or not names or not names <= fetched:
        return None
    return FinalState(
        cell=cell,
        job_id=job_id,
        status=JobStatus.SUCCEEDED.value,
        error=None,
        readable=True,
        held=None,
        where="",
        due_in_s=None,
        wall_s=time.time(),
        mono_s=time.monotonic(),
    )
