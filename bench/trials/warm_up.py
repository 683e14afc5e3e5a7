"""Runs a job of each workload on an arm before anything is measured."""

import uuid
from typing import Any

from bench.arms.topology import Stack
from bench.errors import NotFit
from bench.load.client import connected
from bench.load.workloads import WORKLOADS
from bench.scenario.model import Stage
from shared.domain.status import JobStatus

_LIMIT_S = 90.0


async def warm_up(stack: Stack, stage: Stage) -> None:
    """Run jobs to their end; `NotFit` if an arm cannot even do that. They are not counted."""
    for workload in stage.workloads:
        async with connected(stack.url, "", [], workload) as client:
            what = f"{stack.arm.name}: the warm-up job ({workload})"
            answer = await client.submit_until_answered(
                _body(workload, stage), uuid.uuid4().hex, _LIMIT_S
            )
            if answer.job_id is None:
                raise NotFit(f"{what} was answered {answer.status} {answer.text[:300]}")
            for slot, data in WORKLOADS[workload].inputs().items():
                await client.put(answer.job_id, slot, data, limit_s=_LIMIT_S)
            await client.until_over([answer.job_id], _LIMIT_S)
            status = await client.status(answer.job_id)
            if status is not JobStatus.SUCCEEDED:
                raise NotFit(f"{what} is {status} after {_LIMIT_S:g} s at most; see its logs")


def _body(workload: str, stage: Stage) -> dict[str, Any]:
    job = stage.job
    shape = {"n": max(job.n), "steps": job.steps, "width": job.width, "height": job.height}
    spec = WORKLOADS[workload]
    return {**spec.warm_up, **(shape if spec.shaped else {})}
