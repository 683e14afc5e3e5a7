"""What became of every job of a soak, without fetching twenty thousand pictures a second time."""

import asyncio
import time
from collections import defaultdict
from collections.abc import Sequence

import httpx

from bench.finals import final_states
from bench.history import ClientOp, FinalState, OpPhase
from bench.topology import Stack
from shared.domain.status import JobStatus

_AT_ONCE = 6


async def soak_finals(stack: Stack, cell: str, ops: Sequence[ClientOp]) -> list[FinalState]:
    """Return the state of every job that the load submitted.

    Of a job that has succeeded the pictures count as readable if the client has fetched them all
    and their checksums matched; whatever else is asked in full.
    """
    fetched: dict[str, set[str]] = defaultdict(set)
    for op in ops:
        if op.op == "fetch" and op.phase is OpPhase.OK and op.job_id is not None:
            fetched[op.job_id].add(op.detail)
    gate = asyncio.Semaphore(_AT_ONCE)
    async with httpx.AsyncClient(base_url=stack.url, timeout=5) as client:

        async def one(job_id: str) -> FinalState | None:
            async with gate:
                return await _seen_whole(client, cell, job_id, fetched[job_id])

        seen = [state for state in await asyncio.gather(*map(one, list(fetched))) if state]
    settled = {state.job_id for state in seen}
    others = [op for op in ops if op.job_id not in settled]
    return [*seen, *await final_states(stack, cell, others)]


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
