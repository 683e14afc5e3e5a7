"""What the injector does around a fault: it always heals, and confirms from the ledger alone."""

import asyncio
import contextlib
import random
import time
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from bench.arms.ledger_tail import LedgerTail
from bench.faults.fault import Facts, Fault, FaultContext
from bench.faults.injector import Injector
from bench.record.history import FaultPhase
from shared.domain.records import AttemptRecord
from shared.domain.status import RecordKind

JOB, STEP = "job-1", "generate_image/0"
_AT_HALF = [(RecordKind.STARTED, 0), (RecordKind.WORKING, 0), (RecordKind.PROGRESS, 10)]


class Recorded(Fault):
    """Does nothing but say what was asked of it, and fail where it is told to."""

    facts = Facts("recorded", None, "", "GPU worker", "", "")
    said: list[str]
    fails_at = ""

    async def inject(self) -> float:
        self._say("inject")
        return time.monotonic()

    async def hold(self) -> None:
        self._say("hold")

    def heal(self) -> None:
        self._say("heal")

    def _say(self, word: str) -> None:
        self.said.append(word)
        if word == self.fails_at:
            raise TimeoutError(f"{word} took too long")


class Ledger:
    """One attempt at half of its work; what is appended later is read later."""

    def __init__(self) -> None:
        self.records: list[AttemptRecord] = []
        for kind, done in _AT_HALF:
            self._append(kind, done)

    def end(self) -> None:
        self._append(RecordKind.FINISHED, 20)

    def again(self) -> None:
        self._append(RecordKind.STARTED, 0, attempt="a-2")
        self._append(RecordKind.FINISHED, 20, attempt="a-2")

    def since(self, seq: int) -> list[AttemptRecord]:
        return self.records[seq:]

    def _append(self, kind: RecordKind, done: int, attempt: str = "a-1") -> None:
        record = AttemptRecord(kind, JOB, STEP, 1, attempt, "gpu-0", 7, done=done, total=20)
        seq, now = len(self.records) + 1, time.monotonic()
        self.records.append(replace(record, seq=seq, mono_s=now))


def injector(fault: type[Fault], ledger: Any) -> Injector:
    tail = LedgerTail(ledger)
    tail.refresh()
    worker = SimpleNamespace(spec=SimpleNamespace(role="gpu"), exited=lambda: False)
    stack: Any = SimpleNamespace(workers=[worker], place=lambda _: worker)
    return Injector(
        context=FaultContext("cell", stack, tail, detection_budget_s=1.0),
        fault=fault,
        at=(0.4, 0.5),
        rng=random.Random(1),
        since_mono_s=0.0,
        give_up_mono_s=time.monotonic() + 5,
        at_once=asyncio.Semaphore(1),
    )


def recorded(fails_at: str = "") -> type[Recorded]:
    return type("Recorded", (Recorded,), {"said": [], "fails_at": fails_at})


async def test_a_fault_is_injected_held_and_healed_and_its_life_is_recorded() -> None:
    fault = recorded()
    chaos = injector(fault, Ledger())
    await chaos.trial()
    assert fault.said == ["inject", "hold", "heal"]
    assert [event.phase for event in chaos.log.events] == [
        FaultPhase.INJECTED,
        FaultPhase.CONFIRMED,
        FaultPhase.HEALED,
    ]
    assert chaos.log.events[1].done == 10


@pytest.mark.parametrize("fails_at", ["inject", "hold"])
async def test_a_fault_that_fails_half_way_is_healed_and_counts_as_missed(fails_at: str) -> None:
    fault = recorded(fails_at)
    chaos = injector(fault, Ledger())
    await chaos.trial()
    assert fault.said[-1] == "heal"
    assert chaos.log.events[-1].phase is FaultPhase.MISSED
    assert chaos.log.events[-1].detail == f"{fails_at} took too long"


async def test_a_fault_is_healed_when_the_run_is_interrupted() -> None:
    class Endless(Recorded):
        said: list[str] = []  # noqa: RUF012

        async def hold(self) -> None:
            self._say("hold")
            await asyncio.Event().wait()

    chaos = injector(Endless, Ledger())
    task = asyncio.create_task(chaos.trial())
    while "hold" not in Endless.said:
        await asyncio.sleep(0.01)
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
    assert Endless.said == ["inject", "hold", "heal"]
    assert not chaos.at_once.locked()


async def _over_within(trial: asyncio.Task[None], seconds: float) -> bool:
    done, _ = await asyncio.wait([trial], timeout=seconds)
    return bool(done)


@pytest.mark.parametrize("comes_back", ["again", "end"])
async def test_what_strikes_a_whole_arm_is_over_once_the_struck_step_is_done(
    comes_back: str,
) -> None:
    class Whole(Recorded):
        facts = replace(Recorded.facts, whole_arm=True)
        said: list[str] = []  # noqa: RUF012

    ledger = Ledger()
    chaos = injector(Whole, ledger)
    trial = asyncio.create_task(chaos.trial())
    assert not await _over_within(trial, 0.3)
    assert Whole.said == ["inject", "hold", "heal"]
    assert not chaos.at_once.locked()
    getattr(ledger, comes_back)()
    chaos.context.tail.refresh()
    assert await _over_within(trial, 2.0)
    assert chaos.since_mono_s > chaos.log.events[-1].mono_s


async def test_a_fault_whose_target_ended_before_it_struck_is_missed() -> None:
    ledger = Ledger()

    class Late(Recorded):
        said: list[str] = []  # noqa: RUF012

        async def inject(self) -> float:
            ledger.end()
            await asyncio.sleep(0.01)
            return await super().inject()

    chaos = injector(Late, ledger)
    await chaos.trial()
    assert FaultPhase.MISSED in [event.phase for event in chaos.log.events]
    assert chaos.log.confirmed == 0


async def test_without_a_target_nothing_is_struck() -> None:
    ledger = Ledger()
    ledger.end()
    fault = recorded()
    chaos = injector(fault, ledger)
    chaos.give_up_mono_s = time.monotonic() + 0.1
    await chaos.trial()
    assert fault.said == []
    assert chaos.log.events == []
