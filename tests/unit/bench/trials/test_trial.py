"""One trial: when a frozen worker is continued, and that none is left frozen."""

import asyncio
import time
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import httpx
import pytest

from bench.faults.experiments import EXPERIMENTS
from bench.record.history import FaultPhase, OpPhase
from bench.trials.idempotency.trial import Trial
from shared.domain.records import AttemptRecord
from shared.domain.status import RecordKind

JOB = "00000000-0000-0000-0000-000000000001"
STEP = "capture_credits"
LIMIT_S = 20.0


@dataclass
class Stage:
    """A facade that accepts one job, its ledger, and a worker that can be continued."""

    status: str = "running"
    records: list[AttemptRecord] = field(default_factory=list)
    continued: int = 0

    def trial(self, name: str = "zombie_before_effect", *, drain_s: float = 60.0) -> Trial:
        arm: Any = SimpleNamespace(
            tail=SimpleNamespace(records=self.records),
            stack=SimpleNamespace(place=lambda _: self),
        )
        return Trial("t#1", "t", arm, EXPERIMENTS[name], lease_s=0.2, drain_s=drain_s)

    def continue_group(self) -> None:
        self.continued += 1

    def record(self, kind: RecordKind, attempt: str = "first") -> None:
        detail = str(EXPERIMENTS["zombie_before_effect"].point)
        self.records.append(AttemptRecord(kind, JOB, STEP, 1, attempt, "cpu-0", 7, detail=detail))

    def client(self) -> httpx.AsyncClient:
        def answer(request: httpx.Request) -> httpx.Response:
            if request.method == "POST":
                return httpx.Response(202, json={"job_id": JOB})
            return httpx.Response(200, json={"status": self.status})

        transport = httpx.MockTransport(answer)
        return httpx.AsyncClient(base_url="http://facade", transport=transport)


async def _until(condition: Any) -> None:
    give_up_at = time.monotonic() + LIMIT_S
    while not condition():
        assert time.monotonic() < give_up_at
        await asyncio.sleep(0.01)


async def test_a_zombie_sleeps_until_its_successor_has_finished_and_is_seen_to_its_end() -> None:
    stage = Stage()
    trial = stage.trial()
    running = asyncio.create_task(trial.run(stage.client(), {}))
    await _until(lambda: trial.ops)
    stage.record(RecordKind.CRASH_POINT)
    await _until(lambda: trial.faults)
    stage.record(RecordKind.WORKING, "second")
    await asyncio.sleep(0.5)
    assert stage.continued == 0
    stage.record(RecordKind.FINISHED, "second")
    await _until(lambda: stage.continued)
    stage.status = "succeeded"
    stage.record(RecordKind.SUPERSEDED)
    await asyncio.wait_for(running, LIMIT_S)
    assert [event.phase for event in trial.faults] == [FaultPhase.INJECTED, FaultPhase.HEALED]
    assert trial.faults[1].mono_s - trial.faults[0].mono_s > 0.2


async def test_a_zombie_beside_its_successor_wakes_up_as_soon_as_that_works() -> None:
    stage = Stage()
    trial = stage.trial("zombie_mid_work")
    running = asyncio.create_task(trial.run(stage.client(), {}))
    await _until(lambda: trial.ops)
    stage.record(RecordKind.CRASH_POINT)
    stage.record(RecordKind.WORKING, "second")
    await _until(lambda: stage.continued)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running


async def test_a_trial_that_is_cancelled_leaves_nothing_frozen() -> None:
    stage = Stage()
    trial = stage.trial()
    running = asyncio.create_task(trial.run(stage.client(), {}))
    await _until(lambda: trial.ops)
    stage.record(RecordKind.CRASH_POINT)
    await _until(lambda: trial.faults)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert stage.continued == 1


async def test_a_zombie_without_a_successor_is_woken_before_its_job_is_judged() -> None:
    stage = Stage()
    # The last 15 s of the drain are for what the zombie then does: here that is all of it.
    trial = stage.trial(drain_s=3.0)
    running = asyncio.create_task(trial.run(stage.client(), {}))
    await _until(lambda: trial.ops)
    stage.record(RecordKind.CRASH_POINT)
    await asyncio.wait_for(running, LIMIT_S)
    assert stage.continued == 1


async def test_a_kill_needs_nobody_to_continue_anything() -> None:
    stage = Stage(status="succeeded")
    trial = stage.trial("killed_after_effect")
    running = asyncio.create_task(trial.run(stage.client(), {}))
    await asyncio.wait_for(running, LIMIT_S)
    assert stage.continued == 0
    assert [op.phase for op in trial.ops] == [OpPhase.INVOKE, OpPhase.OK, OpPhase.OK]
    assert trial.ops[-1].status == "succeeded"
