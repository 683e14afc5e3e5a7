"""Jobs that wait: for events, for a time, for a person, for a deployment. Rows 6, 14, 15, 20."""

import asyncio
import time

import pytest

from bench.arms.waiting import until
from bench.capabilities.patterns.lab import Environment, Lab
from bench.capabilities.patterns.marks import MARKS, row
from shared.domain.errors import BadRequest
from shared.domain.records import AttemptRecord
from shared.domain.status import RecordKind
from shared.ports.patterns import Outcome

pytestmark = MARKS

_NAMES = ["a", "b"]


@row(6)
async def test_the_first_value_of_an_event_counts(lab: Lab) -> None:
    env = lab["common"]
    await env.workers("all", slots=4)
    job = await env.start("events", names=_NAMES, deadline_s=60.0)
    await env.send(job, "b", 2)
    await env.send(job, "b", 3)
    await env.send(job, "a", 1)
    state = await env.over(job)
    assert (state.outcome, state.value) == (Outcome.DONE, {"a": 1, "b": 2})


@row(6)
async def test_events_from_two_processes_at_once_are_acted_on_once(lab: Lab) -> None:
    env = lab["common"]
    await env.workers("all", slots=4)
    jobs = [await env.start("events", names=_NAMES, deadline_s=60.0) for _ in range(8)]
    sends: dict[str, list[list[object]]] = {
        name: [["send", job, name, name.upper()] for job in jobs] for name in _NAMES
    }
    await env.from_processes(sends["a"] + sends["b"], sends["b"] + sends["a"])
    for job in jobs:
        state = await env.over(job)
        assert (state.outcome, state.value) == (Outcome.DONE, {"a": "A", "b": "B"})
    await env.drained()
    assert [len(env.started(job, "after")) for job in jobs] == [1] * len(jobs)


@row(6)
async def test_the_deadline_ends_the_wait_with_what_has_come(lab: Lab) -> None:
    env = lab["common"]
    await env.workers("all", slots=4)
    began_at = time.monotonic()
    job = await env.start("events", names=_NAMES, deadline_s=2.0)
    await env.send(job, "a", 1)
    state = await env.over(job)
    assert (state.outcome, state.value) == (Outcome.TIMED_OUT, {"a": 1})
    assert time.monotonic() - began_at >= 2.0
    await env.send(job, "b", 2)
    await env.drained()
    assert (await env.state(job)).outcome is Outcome.TIMED_OUT
    assert env.started(job, "after") == []


@row(6)
async def test_events_and_the_deadline_come_while_every_worker_is_down(lab: Lab) -> None:
    env = lab["broken"]
    await env.workers("all", slots=2)
    patient = await env.start("events", names=_NAMES, deadline_s=120.0)
    hasty = await env.start("events", names=_NAMES, deadline_s=3.0)
    over_at = time.monotonic() + 3.0
    await env.send(hasty, "b", 2)
    await env.kill()
    await env.send(patient, "b", 2)
    await env.send(patient, "a", 1)
    await until("the deadline has passed", lambda: time.monotonic() > over_at)
    await env.workers("all", slots=2)
    state = await env.over(patient)
    assert (state.outcome, state.value) == (Outcome.DONE, {"a": 1, "b": 2})
    assert len(env.started(patient, "after")) == 1
    state = await env.over(hasty)
    assert (state.outcome, state.value) == (Outcome.TIMED_OUT, {"b": 2})
    assert env.started(hasty, "after") == []


async def _ticks(env: Environment, schedule: str, more: int) -> list[AttemptRecord]:
    """Wait for so many more ticks, and return them."""
    before = len(env.started(schedule, "tick"))
    return (await env.seen(schedule, "tick", RecordKind.STARTED, times=before + more))[before:]


def _span_s(ticks: list[AttemptRecord]) -> float:
    return ticks[-1].mono_s - ticks[0].mono_s


@row(14)
async def test_a_schedule_is_paused_triggered_changed_and_never_doubled(lab: Lab) -> None:
    env = lab["crowd"]
    workers = await env.workers("cpu", "cpu", "cpu")
    schedule, deleted = env.name("schedule"), env.name("deleted")
    await env.put_schedule(deleted, 1.0)
    await env.put_schedule(schedule, 1.0)
    await env.delete_schedule(deleted)
    # Twice as many ticks would take half the time. A late first tick shortens it a little.
    assert _span_s(await _ticks(env, schedule, 5)) > 0.65 * 4

    await env.pause_schedule(schedule, paused=True)
    await asyncio.sleep(1.5)  # what was in flight has come
    paused_at = len(env.started(schedule, "tick"))
    await env.trigger_schedule(schedule)
    await env.seen(schedule, "tick", RecordKind.STARTED, times=paused_at + 1)
    await asyncio.sleep(2.5)  # time for two ticks that must not come
    assert len(env.started(schedule, "tick")) == paused_at + 1

    await env.pause_schedule(schedule, paused=False)
    await env.kill(workers[0])
    assert _span_s(await _ticks(env, schedule, 4)) > 0.65 * 3

    await env.put_schedule(schedule, 3.0)
    ticks = await _ticks(env, schedule, 3)
    assert ticks[-1].mono_s - ticks[-2].mono_s > 2.0
    await env.delete_schedule(schedule)
    assert len(env.started(deleted, "tick")) <= 1


@row(15)
async def test_a_step_that_awaits_a_person_holds_no_slot(lab: Lab) -> None:
    env = lab["single"]
    await env.workers("cpu", slots=1)
    job = await env.start("approval")
    (asked,) = await env.seen(job, "ask", RecordKind.WORKING)
    other = await env.start("start", work_s=0.1)
    assert (await env.over(other)).outcome is Outcome.DONE
    assert (await env.state(job)).outcome is Outcome.OPEN
    with pytest.raises(BadRequest):
        await env.complete("no-such-token", "yes")
    await env.complete(asked.detail, "yes")
    state = await env.over(job)
    assert (state.outcome, state.value) == (Outcome.DONE, "yes")
    await env.complete(asked.detail, "no")
    await env.drained()
    assert (await env.state(job)).value == "yes"
    assert len(env.told(job, "ask", RecordKind.WORKING)) == 1


@row(20)
async def test_a_job_ends_as_the_version_that_began_it(lab: Lab) -> None:
    env = lab["deploy"]
    (worker,) = await env.workers("all", slots=2, version="v1")
    old = await env.start("deploy")
    await env.seen(old, "before", RecordKind.FINISHED)
    await env.stop(worker)
    await env.workers("all", slots=2, version="v2")
    new = await env.start("deploy")
    await env.seen(new, "before", RecordKind.FINISHED)
    for job, way in ((old, "old_way"), (new, "new_way")):
        await env.send(job, "go", "now")
        state = await env.over(job)
        assert (state.outcome, state.value) == (Outcome.DONE, way)
        assert [record.step for record in env.finished(job)] == ["before", way]
