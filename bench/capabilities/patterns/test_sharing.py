"""Jobs that share workers and servers: rows 16, 17 and 24."""

import pytest

from bench.capabilities.patterns.lab import Lab
from bench.capabilities.patterns.marks import MARKS, row
from shared.domain.errors import UnknownJob
from shared.ports.patterns import Outcome

pytestmark = MARKS

_ON_THEIR_WAY = 3
"""Jobs that may begin before an urgent one because the slot was theirs before it was queued."""


@row(16)
async def test_an_urgent_job_overtakes_and_no_tenant_waits_behind_another(lab: Lab) -> None:
    env = lab["single"]
    await env.workers("cpu", slots=1)

    async def start(tenant: str, *, urgent: bool = False) -> str:
        return await env.start("priority", tenant=tenant, urgent=urgent, work_s=0.4)

    many = [await start("a") for _ in range(12)]
    few = [await start("b") for _ in range(4)]
    before = [job for job in (*many, *few) if env.started(job)]
    assert len(before) < 8, "too slow: there is no backlog left to overtake"
    urgent = await start("a", urgent=True)
    for job in (*many, *few, urgent):
        assert (await env.over(job)).outcome is Outcome.DONE
    began = {job: env.started(job)[0].seq for job in (*many, *few, urgent)}
    sooner = [job for job in began if job not in before and began[job] < began[urgent]]
    assert len(sooner) <= _ON_THEIR_WAY
    assert max(began[job] for job in few) < max(began[job] for job in many)


@row(17)
async def test_a_rate_limit_holds_over_all_workers(lab: Lab) -> None:
    env = lab["crowd"]
    await env.workers("cpu", "cpu", "cpu")
    jobs = [await env.start("rate_limit", per_s=4.0) for _ in range(14)]
    for job in jobs:
        assert (await env.over(job)).outcome is Outcome.DONE
    starts = [start for job in jobs for start in env.started(job, "limited")]
    assert len(starts) == len(jobs)
    times = sorted(start.mono_s for start in starts)
    assert times[-1] - times[0] >= (len(jobs) - 1) / 4.0 - 1


@row(24)
async def test_two_environments_know_nothing_of_each_other(lab: Lab) -> None:
    here, there = lab["common"], lab["broken"]
    await here.workers("all", slots=4)
    await there.kill()
    job, only_there = here.name("isolation"), here.name("isolation")
    await here.start_as(job, "isolation")
    await there.start_as(job, "isolation")
    await there.start_as(only_there, "isolation")
    state = await here.over(job)
    assert (state.outcome, state.value) == (Outcome.DONE, here.namespace)
    await here.drained()
    # Nobody works there, and those who work here have not touched it.
    assert len(here.started(job)) == 1
    assert there.started(only_there) == []
    assert (await there.state(job)).outcome is Outcome.OPEN
    with pytest.raises(UnknownJob):
        await here.state(only_there)
    await there.workers("all", slots=2)
    for name in (job, only_there):
        state = await there.over(name)
        assert (state.outcome, state.value) == (Outcome.DONE, there.namespace)
    mine, other = here.finished(job)
    assert mine.worker != other.worker
