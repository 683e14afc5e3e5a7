"""One attempt of a step, over a real database: what it records, guards and refuses."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from shared.adapters.idempotency import idempotency_store
from shared.adapters.ledger import SqlLedger
from shared.adapters.sql import connect, create_tables
from shared.adapters.transactions import SqlTransactions
from shared.domain.errors import AttemptsUsedUp, JobCancelled, Superseded, WorkerStopping
from shared.domain.status import RecordKind
from shared.policy import GENERATE_IMAGE, policy_of
from shared.ports.idempotency import IdempotencyMode
from shared.ports.step_context import StepContext
from shared.ports.step_host import StopReason
from shared.runner import StepRunner

JOB = "00000000-0000-0000-0000-000000000001"
STEP = f"{GENERATE_IMAGE}/0"
LEASE_S = 0.6


@dataclass
class Host:
    """An engine's side of an attempt, held in the hand."""

    attempt: int = 1
    resume: str | None = None
    stop: StopReason | None = None
    beats: list[tuple[int, int, str | None]] = field(default_factory=list)

    def begin(self) -> None:
        return None

    def heartbeat(self, done: int, total: int, checkpoint: str | None) -> None:
        self.beats.append((done, total, checkpoint))

    def resume_ref(self) -> str | None:
        return self.resume

    def finish(self, result: str) -> None:
        return None

    def stop_reason(self) -> StopReason | None:
        return self.stop


@dataclass
class World:
    """An outside world that remembers what it was told."""

    applied: list[tuple[str, str, int | None]] = field(default_factory=list)

    def apply(self, effect: str, *, job_id: str, key: str, amount: int | None = None) -> None:
        self.applied.append((effect, key, amount))


@dataclass
class Bench:
    runner: StepRunner
    ledger: SqlLedger
    world: World

    def kinds(self) -> list[RecordKind]:
        return [record.kind for record in self.ledger.of_job(JOB)]


@pytest.fixture
def make(tmp_path: Path) -> Callable[..., Bench]:
    database = connect(f"sqlite:///{tmp_path / 'test.db'}")
    create_tables(database)

    def build(mode: IdempotencyMode = IdempotencyMode.FENCED) -> Bench:
        ledger, world = SqlLedger(database), World()
        store = idempotency_store(mode, database)
        transactions = SqlTransactions(database)
        runner = StepRunner(ledger, store, world, transactions, "gpu-0", LEASE_S)
        return Bench(runner, ledger, world)

    return build


@pytest.fixture
def bench(make: Callable[..., Bench]) -> Bench:
    return make()


def test_an_attempt_leaves_its_life_in_the_ledger(bench: Bench) -> None:
    def work(ctx: StepContext) -> int:
        ctx.progress(1, 2)
        ctx.progress(2, 2)
        return 7

    assert bench.runner.run(JOB, STEP, Host(), work, int) == 7
    assert bench.kinds() == ["started", "working", "progress", "progress", "finished"]


def test_a_repeat_returns_the_stored_result_and_computes_nothing(bench: Bench) -> None:
    bench.runner.run(JOB, STEP, Host(), lambda _ctx: 7, int)
    assert bench.runner.run(JOB, STEP, Host(attempt=2), lambda _ctx: 8, int) == 7
    assert bench.kinds()[-2:] == ["started", "replayed"]


def test_a_later_attempt_waits_for_the_lease_of_a_dead_one_and_takes_over(bench: Bench) -> None:
    began = threading.Event()

    def dies_silently(ctx: StepContext) -> int:
        began.set()
        # A killed process neither commits nor abandons; this stands in for it.
        threading.Event().wait(LEASE_S * 3)
        return 1

    def first() -> None:
        with pytest.raises(Superseded):
            bench.runner.run(JOB, STEP, Host(), dies_silently, int)

    dead = threading.Thread(target=first)
    dead.start()
    assert began.wait(5)
    host = Host(attempt=2, resume="5:abc")
    assert bench.runner.run(JOB, STEP, host, lambda ctx: len(ctx.resume_from() or ""), int) == 5
    dead.join(10)
    assert bench.kinds()[-1] == "superseded"
    # While it waits it keeps the checkpoint alive for an engine that stores only the last one.
    assert set(host.beats) == {(0, 0, "5:abc")}


def test_progress_keeps_a_lease_alive_so_that_a_repeat_returns_the_first_result(
    bench: Bench,
) -> None:
    began = threading.Event()

    def slow(ctx: StepContext) -> int:
        for done in range(1, 13):
            ctx.progress(done, 12)
            began.set()
            threading.Event().wait(LEASE_S / 4)
        return 1

    results: list[int] = []
    first = threading.Thread(
        target=lambda: results.append(bench.runner.run(JOB, STEP, Host(), slow, int))
    )
    first.start()
    assert began.wait(5)
    again = bench.runner.run(JOB, STEP, Host(attempt=2), lambda _ctx: 2, int)
    first.join(10)
    assert (again, results) == (1, [1])
    assert bench.kinds().count(RecordKind.WORKING) == 1


def test_without_a_guard_both_attempts_compute(make: Callable[..., Bench]) -> None:
    bench = make(IdempotencyMode.NONE)
    bench.runner.run(JOB, STEP, Host(), lambda _ctx: 7, int)
    assert bench.runner.run(JOB, STEP, Host(attempt=2), lambda _ctx: 8, int) == 8


def test_a_superseded_attempt_can_neither_commit_nor_apply_an_effect(bench: Bench) -> None:
    def overtaken(ctx: StepContext) -> int:
        threading.Event().wait(LEASE_S * 1.5)
        bench.runner.run(JOB, STEP, Host(attempt=2), lambda _ctx: 2, int)
        ctx.apply("notify_user")
        return 1

    with pytest.raises(Superseded):
        bench.runner.run(JOB, STEP, Host(), overtaken, int)
    assert bench.world.applied == []


@pytest.mark.parametrize(
    "mode", [IdempotencyMode.CHECK_THEN_ACT, IdempotencyMode.CLAIM, IdempotencyMode.FENCED]
)
def test_effects_carry_the_key_of_the_step_not_of_the_attempt(
    make: Callable[..., Bench], mode: IdempotencyMode
) -> None:
    bench = make(mode)
    bench.runner.run(JOB, STEP, Host(attempt=3), lambda ctx: ctx.apply("pay", 2) or 0, int)
    assert bench.world.applied == [("pay", f"{JOB}/{STEP}", 2)]


def test_without_a_guard_every_attempt_sends_a_key_of_its_own(make: Callable[..., Bench]) -> None:
    bench = make(IdempotencyMode.NONE)
    for attempt in (1, 2):
        bench.runner.run(JOB, STEP, Host(attempt), lambda ctx: ctx.apply("pay", 2) or 0, int)
    keys = {key for _, key, _ in bench.world.applied}
    assert len(keys) == 2
    assert all(key.startswith(f"{JOB}/{STEP}/") for key in keys)


def test_a_failed_attempt_gives_the_step_back_at_once(bench: Bench) -> None:
    def fails(_ctx: StepContext) -> int:
        raise OSError("no space left")

    with pytest.raises(OSError, match="no space"):
        bench.runner.run(JOB, STEP, Host(), fails, int)
    host = Host(attempt=2)
    assert bench.runner.run(JOB, STEP, host, lambda _ctx: 1, int) == 1
    assert host.beats == []


@pytest.mark.parametrize(
    ("reason", "error", "kind"),
    [
        (StopReason.CANCELLED, JobCancelled, "cancelled"),
        (StopReason.SUPERSEDED, Superseded, "superseded"),
        (StopReason.WORKER_STOPPING, WorkerStopping, "failed"),
    ],
)
def test_an_attempt_stops_at_its_next_progress_when_told(
    bench: Bench, reason: StopReason, error: type[Exception], kind: str
) -> None:
    host = Host()

    def work(ctx: StepContext) -> int:
        ctx.progress(1, 9)
        host.stop = reason
        ctx.progress(2, 9)
        raise AssertionError("went on after it was told to stop")

    with pytest.raises(error):
        bench.runner.run(JOB, STEP, host, work, int)
    assert bench.kinds()[-1] == kind


def test_attempts_beyond_the_policy_are_refused(bench: Bench) -> None:
    too_many = policy_of(STEP).maximum_attempts + 1
    with pytest.raises(AttemptsUsedUp, match=f"began in attempt {too_many}"):
        bench.runner.run(JOB, STEP, Host(attempt=too_many), lambda _ctx: 1, int)
