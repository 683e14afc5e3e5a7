"""How jobs start and how their steps follow each other: rows 1 to 5, 7, 12, 21 to 23."""

import time

from bench.capabilities.patterns.lab import Environment, Lab
from bench.capabilities.patterns.marks import MARKS, row
from shared.domain.status import RecordKind
from shared.ports.patterns import Outcome

pytestmark = MARKS


async def _common(lab: Lab) -> Environment:
    await lab["common"].workers("all", slots=4)
    return lab["common"]


@row(1)
async def test_start_returns_before_the_work_is_done(lab: Lab) -> None:
    env = await _common(lab)
    job = await env.start("start", work_s=1.0)
    assert env.finished(job) == []
    assert (await env.over(job)).outcome is Outcome.DONE
    assert [record.step for record in env.started(job)] == ["work"]
    assert len(env.finished(job, "work")) == 1


@row(2)
async def test_a_job_that_is_started_twice_runs_once(lab: Lab) -> None:
    env = await _common(lab)
    job = await env.start("idempotent_start", work_s=0.5)
    await env.start_as(job, "idempotent_start", work_s=0.5)
    assert (await env.over(job)).outcome is Outcome.DONE
    await env.start_as(job, "idempotent_start", work_s=0.5)
    await env.drained()
    assert len(env.started(job)) == 1


@row(2)
async def test_a_job_that_two_processes_start_at_once_runs_once(lab: Lab) -> None:
    env = await _common(lab)
    job = env.name("idempotent_start")
    script: list[list[object]] = [["start", "idempotent_start", job, {"work_s": 0.2}]] * 4
    await env.from_processes(script, script)
    assert (await env.over(job)).outcome is Outcome.DONE
    await env.drained()
    assert len(env.started(job)) == 1


@row(3)
async def test_a_chain_passes_values_on_in_order(lab: Lab) -> None:
    env = await _common(lab)
    job = await env.start("chain")
    state = await env.over(job)
    assert (state.outcome, state.value) == (Outcome.DONE, 3)
    assert [(record.step, record.kind) for record in env.told(job)] == [
        (step, kind)
        for step in ("one", "two", "three")
        for kind in (RecordKind.STARTED, RecordKind.FINISHED)
    ]


@row(4)
async def test_parts_run_in_parallel_and_are_joined_once(lab: Lab) -> None:
    env = await _common(lab)
    job = await env.start("fan_out", n=4, work_s=1.0)
    state = await env.over(job)
    assert (state.outcome, state.value) == (Outcome.DONE, 0 + 1 + 2 + 3)
    parts = [f"part/{index}" for index in range(4)]
    ends = [end.seq for part in parts for end in env.finished(job, part)]
    begins = [begin.seq for part in parts for begin in env.started(job, part)]
    assert len(ends) == 4
    assert sum(begin < min(ends) for begin in begins) > 1, "no two parts ran at once"
    (join,) = env.started(job, "join")
    assert join.seq > max(ends)
    assert len(env.finished(job, "join")) == 1


@row(5)
async def test_a_branch_follows_the_result_of_a_step(lab: Lab) -> None:
    env = await _common(lab)
    for number, way in ((4, "even"), (7, "odd")):
        job = await env.start("branch", number=number)
        state = await env.over(job)
        assert (state.outcome, state.value) == (Outcome.DONE, way)
        assert [record.step for record in env.finished(job)] == ["look", way]


@row(7)
async def test_a_step_is_retried_with_growing_delays_until_it_works(lab: Lab) -> None:
    env = await _common(lab)
    job = await env.start("retries", failures=2, refuse=False)
    state = await env.over(job)
    assert (state.outcome, state.value) == (Outcome.DONE, 3)
    begins = [record.mono_s for record in env.started(job, "flaky")]
    failures = [record.mono_s for record in env.told(job, "flaky", RecordKind.FAILED)]
    assert len(begins) == 3
    first_s, second_s = (begins[n + 1] - failures[n] for n in range(2))
    assert first_s >= 0.2
    assert 1.25 * first_s < second_s


@row(7)
async def test_attempts_are_limited_and_a_refusal_is_final(lab: Lab) -> None:
    env = await _common(lab)
    refused = await env.start("retries", failures=0, refuse=True)
    failing = await env.start("retries", failures=9, refuse=False)
    for job, attempts in ((failing, 3), (refused, 1)):
        state = await env.over(job)
        assert state.outcome is Outcome.FAILED
        assert state.error
        assert len(env.started(job, "flaky")) == attempts


@row(12)
async def test_each_step_runs_on_a_worker_of_its_role(lab: Lab) -> None:
    env = lab["split"]
    workers = await env.workers("cpu", "gpu", slots=2)
    roles = {worker.name: worker.role for worker in workers}
    jobs = [await env.start("routing") for _ in range(4)]
    for job in jobs:
        assert (await env.over(job)).outcome is Outcome.DONE
        ran = [(record.step, roles[record.worker]) for record in env.finished(job)]
        assert ran == [("prepare", "cpu"), ("render", "gpu")]


@row(21)
async def test_the_history_names_every_step_and_the_failed_attempt(lab: Lab) -> None:
    env = await _common(lab)
    began_at_s = time.time()
    job = await env.start("visibility")
    assert (await env.over(job)).outcome is Outcome.DONE
    (failed,) = env.told(job, "flaky", RecordKind.FAILED)
    history = await env.history(job)
    steps = [happening.step for happening in history if happening.step]
    assert list(dict.fromkeys(steps)) == ["first", "flaky", "last"]
    assert sorted(steps, key=["first", "flaky", "last"].index) == steps
    assert [h.step for h in history if failed.detail in h.what] == ["flaky"]
    times = [happening.at_s for happening in history]
    assert times == sorted(times)
    assert began_at_s - 1 <= times[0] <= times[-1] <= time.time() + 1


@row(22)
async def test_local_steps_stay_in_the_process_of_their_job(lab: Lab) -> None:
    env = lab["crowd"]
    await env.workers("cpu", "cpu", "cpu")
    jobs = [await env.start("local_step", n=20) for _ in range(3)]
    for job in jobs:
        state = await env.over(job)
        assert (state.outcome, state.value) == (Outcome.DONE, 20)
        assert [record.step for record in env.finished(job)] == [f"cheap/{i}" for i in range(20)]
        assert len(env.started(job)) == 20
        assert len({(record.worker, record.pid) for record in env.started(job)}) == 1


@row(23)
async def test_a_job_type_that_nobody_was_deployed_with_is_handled(lab: Lab) -> None:
    env = await _common(lab)
    kind = env.name("unheard-of")
    job = await env.start("dynamic", type=kind)
    state = await env.over(job)
    assert (state.outcome, state.value) == (Outcome.DONE, kind)
    assert [record.step for record in env.finished(job)] == [kind]
