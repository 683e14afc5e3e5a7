"""Every crash point in a real process: what it leaves behind, and what the next attempt does."""

import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import psutil
import pytest

from bench.arms.ports import free_port
from shared.adapters.ledger import SqlLedger
from shared.adapters.sql import connect, is_idle
from shared.crash_points import Moment
from shared.domain.records import AttemptRecord
from shared.domain.status import RecordKind
from shared.ports.idempotency import IdempotencyMode

STEP = "capture_credits"
BUDGET_S = 2.0
LEASE_S = BUDGET_S / 2
LIMIT_S = 60.0
COMPUTED = ["started", "working", *["progress"] * 5]
"""What an attempt that gets as far as its effect has recorded by then."""


@dataclass
class World:
    """A sink of effects in a process of its own."""

    url: str

    def calls(self, job_id: str) -> list[bool]:
        """Whether each call of the job was applied."""
        calls = httpx.get(f"{self.url}/calls", params={"job_id": job_id}).json()
        return [call["applied"] for call in calls]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    port, database = free_port(), tmp_path_factory.mktemp("world") / "effects.db"
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "bench.arms.effect_sink"),
            *("--port", str(port), "--database", str(database)),
        ]
    )
    world = World(f"http://127.0.0.1:{port}")
    _until(lambda: _answers(world.url))
    yield world
    process.terminate()
    process.wait(timeout=LIMIT_S)


@dataclass
class Worker:
    """Starts attempts of one step of one job, each in its own process group."""

    folder: Path
    world: World
    mode: IdempotencyMode = IdempotencyMode.FENCED
    job_id: str = field(default_factory=lambda: str(uuid.uuid4()))

    def start(
        self, attempt: int, crash_point: str | None = None, thread: str = "main"
    ) -> subprocess.Popen[str]:
        env = {
            **os.environ,
            "CHANGEOVER_DATABASE_URL": f"sqlite:///{self.folder / 'test.db'}",
            "CHANGEOVER_ARTIFACTS_URL": f"file://{self.folder / 'artifacts'}",
            "CHANGEOVER_EFFECTS_URL": self.world.url,
            "CHANGEOVER_DETECTION_BUDGET_S": str(BUDGET_S),
            "CHANGEOVER_IDEMPOTENCY": self.mode,
            "CHANGEOVER_COMPUTE": "simulated",
            **({"CHANGEOVER_CRASH_POINT": crash_point} if crash_point else {}),
        }
        return subprocess.Popen(
            [
                *(sys.executable, "-m", "tests.integration.crash_child"),
                *(self.job_id, STEP, str(attempt), thread),
            ],
            env=env,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def records(self) -> list[list[AttemptRecord]]:
        """The ledger by attempt, in the order of their start."""
        by_id: dict[str, list[AttemptRecord]] = {}
        ledger = SqlLedger(connect(f"sqlite:///{self.folder / 'test.db'}"))
        for record in ledger.of_job(self.job_id):
            by_id.setdefault(record.attempt_id, []).append(record)
        return list(by_id.values())

    def kinds(self) -> list[list[str]]:
        return [[record.kind.value for record in attempt] for attempt in self.records()]


def _until(condition: Callable[[], bool]) -> None:
    give_up_at = time.monotonic() + LIMIT_S
    while not condition():
        assert time.monotonic() < give_up_at
        time.sleep(0.02)


def _answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/calls").status_code == 200
    except httpx.HTTPError:
        return False


LEFT_BEHIND = {
    Moment.BEFORE_WORK: (["started", "working", "crash_point"], []),
    Moment.MID_WORK: (["started", "working", *["progress"] * 3, "crash_point"], []),
    Moment.BEFORE_EFFECT: ([*COMPUTED, "crash_point"], []),
    Moment.BEFORE_SEND: ([*COMPUTED, "crash_point"], []),
    Moment.AFTER_EFFECT: ([*COMPUTED, "crash_point"], [True]),
    Moment.AFTER_COMMIT: ([*COMPUTED, "crash_point", "finished"], [True]),
}


@pytest.mark.parametrize("moment", Moment)
def test_a_worker_is_killed_exactly_there_and_the_next_attempt_gets_through(
    tmp_path: Path, world: World, moment: Moment
) -> None:
    worker = Worker(tmp_path, world)
    point = f"kill@{moment}:{STEP}"
    first = worker.start(1, point, thread="other")
    assert first.wait(timeout=LIMIT_S) == -signal.SIGKILL
    recorded, applied = LEFT_BEHIND[moment]
    assert (worker.kinds(), world.calls(worker.job_id)) == ([recorded], applied)
    (crash,) = [r for r in worker.records()[0] if r.kind is RecordKind.CRASH_POINT]
    assert crash.detail == point

    second = worker.start(2, point)
    assert second.wait(timeout=LIMIT_S) == 0
    committed = moment is Moment.AFTER_COMMIT
    assert worker.kinds()[1][-1] == ("replayed" if committed else "finished")
    # Only a crash between the effect and the commit makes the worker tell the world again.
    again = [False] if moment is Moment.AFTER_EFFECT else []
    assert world.calls(worker.job_id) == [True, *again]


@pytest.mark.parametrize("thread", ["main", "other"])
@pytest.mark.parametrize("mode", [IdempotencyMode.CHECK_THEN_ACT, IdempotencyMode.FENCED])
def test_a_worker_frozen_before_its_effect_wakes_up_after_its_successor(
    tmp_path: Path, world: World, mode: IdempotencyMode, thread: str
) -> None:
    worker = Worker(tmp_path, world, mode)
    zombie = worker.start(1, f"freeze@before_effect:{STEP}", thread)
    try:
        _until(lambda: psutil.Process(zombie.pid).status() == psutil.STATUS_STOPPED)
        asleep = worker.kinds()
        assert asleep == [[*COMPUTED, "crash_point"]]
        assert worker.start(2).wait(timeout=LIMIT_S) == 0
        assert worker.kinds()[0] == asleep[0]
        assert world.calls(worker.job_id) == [True]
    finally:
        os.killpg(zombie.pid, signal.SIGCONT)
    fenced = mode is IdempotencyMode.FENCED
    assert zombie.wait(timeout=LIMIT_S) == (1 if fenced else 0)
    assert worker.kinds()[0][-1] == ("superseded" if fenced else "finished")
    # The guard that only looks before it acts lets the zombie act: the key is all that is left.
    assert world.calls(worker.job_id) == ([True] if fenced else [True, False])


def test_a_fence_cannot_stop_an_effect_that_it_has_already_let_pass(
    tmp_path: Path, world: World
) -> None:
    worker = Worker(tmp_path, world)
    zombie = worker.start(1, f"freeze@before_send:{STEP}", "other")
    try:
        _until(lambda: psutil.Process(zombie.pid).status() == psutil.STATUS_STOPPED)
        assert worker.start(2).wait(timeout=LIMIT_S) == 0
    finally:
        os.killpg(zombie.pid, signal.SIGCONT)
    assert zombie.wait(timeout=LIMIT_S) == 1
    assert worker.kinds()[0][-1] == "superseded"
    assert world.calls(worker.job_id) == [True, False]


def test_without_a_guard_a_repeat_cannot_be_told_from_a_new_effect(
    tmp_path: Path, world: World
) -> None:
    worker = Worker(tmp_path, world, IdempotencyMode.NONE)
    assert worker.start(1, f"kill@after_commit:{STEP}").wait(timeout=LIMIT_S) == -signal.SIGKILL
    assert worker.start(2).wait(timeout=LIMIT_S) == 0
    assert [kinds[-1] for kinds in worker.kinds()] == ["finished", "finished"]
    assert world.calls(worker.job_id) == [True, True]


def test_a_process_is_idle_between_its_transactions(tmp_path: Path) -> None:
    database = connect(f"sqlite:///{tmp_path / 'test.db'}")
    assert is_idle(database)
    with database.begin():
        assert not is_idle(database)
    assert is_idle(database)


FROZEN_FAMILY = """
import subprocess, sys
from shared.crash_points import CrashPoint, CrashInjector
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(300)"])
print(child.pid, flush=True)
asked = []
may_stop = lambda: asked.append(1) or len(asked) > 20
CrashInjector(CrashPoint.parse("freeze@mid_work:generate_image"), None, may_stop).crash()
child.kill()
sys.exit(len(asked) != 21)
"""


def test_a_freeze_takes_the_whole_process_group_once_it_holds_nobody_up(tmp_path: Path) -> None:
    parent = subprocess.Popen(
        [sys.executable, "-c", FROZEN_FAMILY],
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert parent.stdout is not None
    family = [psutil.Process(parent.pid), psutil.Process(int(parent.stdout.readline()))]
    try:
        _until(lambda: all(each.status() == psutil.STATUS_STOPPED for each in family))
    finally:
        os.killpg(parent.pid, signal.SIGCONT)
    assert parent.wait(timeout=LIMIT_S) == 0
