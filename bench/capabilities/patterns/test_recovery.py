"""Jobs whose workers are killed, or that are stopped: rows 8 to 11, 13, 18, 19."""

import pytest

from bench.arms.waiting import until
from bench.capabilities.patterns.lab import Environment, Lab
from bench.capabilities.patterns.marks import MARKS, row
from shared.domain.status import RecordKind
from shared.ports.patterns import Outcome

pytestmark = MARKS

_UNITS = 40
_BATCH = 1000
_BATCH_LIMIT_S = 140
_SLOTS = 1


async def _broken(lab: Lab) -> Environment:
    await lab["broken"].workers("all", slots=2)
    return lab["broken"]


@row(8)
@pytest.mark.parametrize("slow", ["", "do_b", "undo_b"])
async def test_what_was_done_is_undone_in_reverse_order(lab: Lab, slow: str) -> None:
    """Without a fault, and with the worker killed in a step and in its undoing."""
    env = await _broken(lab)
    job = await env.start("saga", slow=slow, slow_s=2.0)
    if slow:
        await env.seen(job, slow, RecordKind.STARTED)
        await env.kill()
        await _broken(lab)
    await env.seen(job, "undo_a", RecordKind.FINISHED)
    state = await env.over(job)
    assert state.outcome is Outcome.FAILED
    assert state.error
    done = [record.step for record in env.finished(job)]
    assert list(dict.fromkeys(done)) == ["do_a", "do_b", "undo_b", "undo_a"]
    assert len(env.started(job, "do_c")) == len(env.told(job, "do_c", RecordKind.FAILED)) == 1
    assert slow == "" or len(env.started(job, slow)) == 2


@row(9)
async def test_a_running_gpu_step_stops_when_it_is_cancelled(lab: Lab) -> None:
    env = lab["common"]
    await env.workers("all", slots=4)
    job = await env.start("cancel", total=100, every_s=0.04)
    await env.reached(job, "long", 5)
    await env.cancel(job)
    (stopped,) = await env.seen(job, "long", RecordKind.CANCELLED)
    assert (await env.over(job)).outcome is Outcome.CANCELLED
    await env.drained()
    assert env.told(job, "long")[-1] == stopped
    assert env.finished(job) == []
    assert len(env.told(job, "long", RecordKind.PROGRESS)) < 80


@row(10)
async def test_progress_can_be_read_while_every_worker_is_down(lab: Lab) -> None:
    env = await _broken(lab)
    job = await env.start("progress", total=_UNITS, every_s=0.05)
    await env.reached(job, "long", 10)
    await env.kill()
    state = await env.state(job)
    assert state.outcome is Outcome.OPEN
    assert 0 < state.done < state.total == _UNITS
    await _broken(lab)
    state = await env.over(job)
    assert (state.outcome, state.value) == (Outcome.DONE, _UNITS)


@row(11)
async def test_a_step_resumes_from_its_checkpoint(lab: Lab) -> None:
    env = await _broken(lab)
    job = await env.start("checkpoint", total=_UNITS, every_s=0.05)
    await env.reached(job, "long", 20)
    await env.kill()
    done = max(record.done for record in env.told(job, "long", RecordKind.PROGRESS))
    await _broken(lab)
    state = await env.over(job)
    assert (state.outcome, state.value) == (Outcome.DONE, _UNITS)
    first, second = env.told(job, "long", RecordKind.WORKING)
    assert first.done == 0
    assert 0 < second.done <= done
    assert len(env.told(job, "long", RecordKind.PROGRESS)) == done + _UNITS - second.done


@row(13)
async def test_both_steps_run_in_the_same_process(lab: Lab) -> None:
    env = lab["crowd"]
    await env.workers("cpu", "cpu", "cpu")
    jobs = [await env.start("affinity", use_s=0.3) for _ in range(6)]
    places = []
    for job in jobs:
        assert (await env.over(job)).outcome is Outcome.DONE
        assert [record.step for record in env.finished(job)] == ["fetch", "use"]
        (place,) = {(record.worker, record.pid) for record in env.told(job)}
        places.append(place)
    assert len(set(places)) > 1


@row(13)
async def test_another_worker_takes_both_steps_if_theirs_has_died(lab: Lab) -> None:
    env = lab["crowd"]
    workers = await env.workers("cpu", "cpu", "cpu")
    job = await env.start("affinity", use_s=1.5)
    (lost,) = await env.seen(job, "use", RecordKind.STARTED)
    await env.kill(*(worker for worker in workers if worker.name == lost.worker))
    assert (await env.over(job)).outcome is Outcome.DONE
    (used,) = env.finished(job, "use")
    fetched = env.finished(job, "fetch")
    assert used.worker != lost.worker
    assert [record.worker for record in fetched] == [lost.worker, used.worker]


@row(18)
async def test_a_batch_of_a_thousand_survives_the_loss_of_a_worker(lab: Lab) -> None:
    env = lab["crowd"]
    workers = await env.workers("cpu", "cpu", "cpu", slots=_SLOTS)
    job = await env.start("batch", n=_BATCH, work_s=0.02)
    await until("half are done", lambda: len(env.finished(job)) >= _BATCH / 2, _BATCH_LIMIT_S)
    await env.kill_amid(job, workers[0])
    state = await env.over(job, _BATCH_LIMIT_S)
    assert (state.outcome, state.value) == (Outcome.DONE, _BATCH)
    done = [record.step for record in env.finished(job)]
    assert set(done) == {f"child/{index}" for index in range(_BATCH)}
    assert len(done) <= _BATCH + _SLOTS, "only what was in flight may run again"


@row(19)
async def test_the_state_of_a_long_job_does_not_grow(lab: Lab) -> None:
    env = lab["common"]
    await env.workers("all", slots=4)
    job = await env.start("long_job", iterations=2000)
    sizes: list[tuple[int, int]] = []

    async def over() -> bool:
        sizes.append((len(env.told(job, "iteration", RecordKind.PROGRESS)), await env.size(job)))
        return (await env.state(job)).outcome is not Outcome.OPEN

    await until(f"{job} is over", over, limit_s=90)
    assert (await env.state(job)).value == 2000
    done = [record.done for record in env.told(job, "iteration", RecordKind.PROGRESS)]
    assert done == list(range(1, 2001))
    sizes.append((2000, await env.size(job)))
    early = [size for done, size in sizes if done <= 500]
    late = [size for done, size in sizes if done > 1500]
    assert max(late) < 3 * max(early), sizes


@row(19)
async def test_a_long_job_goes_on_after_the_loss_of_its_worker(lab: Lab) -> None:
    env = await _broken(lab)
    job = await env.start("long_job", iterations=600)
    await env.reached(job, "iteration", 200)
    await env.kill()
    await _broken(lab)
    state = await env.over(job)
    assert (state.outcome, state.value) == (Outcome.DONE, 600)
    done = [record.done for record in env.told(job, "iteration", RecordKind.PROGRESS)]
    assert set(done) == set(range(1, 601))
    assert len(done) <= 600 + 200, "it began again from too far back"
