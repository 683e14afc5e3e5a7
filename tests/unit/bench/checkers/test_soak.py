"""What is counted in a soak, each count with its planted violation."""

from dataclasses import replace

import pytest

from bench.checkers import measure as measure_module
from bench.checkers.measure import measure
from bench.record.history import FaultEvent, FaultPhase
from bench.record.metrics import Bucket, CellMetrics, Check, Metrics, Verdict
from bench.record.run_info import CellInfo, CellKind, RunInfo
from shared.domain.jobs import Bound
from shared.domain.status import JobStatus
from tests.unit.bench.builder import ARM, CELL, OWED, Story

INFO = CellInfo(
    id=CELL,
    arm=ARM,
    engine="celery",
    profile="hardened",
    duration_s=60.0,
    rate_per_s=1.0,
    drain_s=30.0,
    trials=2,
    fault="soak",
    workload="image-generation",
    compute="simulated",
    predicted=Bound(None, {}, ""),
    kind=CellKind.SOAK,
    owed_effects=OWED,
    demands=["no_phantoms", "no_loss", "no_duplicate_effects"],
)


class Soak(Story):
    """A soak of one arm: one job that went well, one that was killed and went on."""

    def __init__(self) -> None:
        super().__init__()
        self.healthy("a").submit("b", 1).denoise("b", "b-1", at=1, done=(0, 5), ends=None)
        self.denoise("b", "b-2", at=12, worker="gpu-1", pid=101).settled("b", 26).final("b")
        self.strike(1, "gpu", at=7, worker="gpu-0")
        self.fault(f"{CELL}#1/1", "b", "b-1", 7, part_of=f"{CELL}#1")
        self.strike(2, "facade", at=9, worker="facade")

    def strike(
        self,
        number: int,
        role: str,
        *,
        at: float,
        worker: str,
        phase: FaultPhase = FaultPhase.CONFIRMED,
    ) -> "Soak":
        for each in (FaultPhase.INJECTED, phase):
            self.history.faults.append(
                FaultEvent(
                    *(f"{CELL}#{number}", CELL, "sigkill", each, "", "", "", worker, 1, at, at),
                    role=role,
                )
            )
        return self

    def info(self) -> RunInfo:
        return replace(super().info(), cells=[], soak=[INFO])

    def metrics(self) -> Metrics:
        return measure(self.info(), self.history)

    @property
    def entry(self) -> CellMetrics:
        (entry,) = self.metrics().soak
        return entry

    def verdict_on(self, name: str) -> Check:
        return next(check for check in self.entry.checks if check.name == name)


def test_a_soak_that_loses_nothing_is_valid_and_every_kill_is_counted() -> None:
    entry = Soak().entry
    assert entry.verdict is Verdict.VALID
    assert (entry.jobs, entry.buckets[Bucket.COMPLETED]) == (2, 2)
    assert (entry.trials, entry.faults_confirmed, entry.kills) == (2, 2, 2)
    assert (entry.re_executions, entry.duplicate_executions, entry.duplicate_effects) == (1, 0, 0)


def test_each_kind_of_fault_has_the_recoveries_of_the_attempts_that_it_hit() -> None:
    kinds = {kind.role: kind for kind in Soak().entry.faults}
    assert (kinds["gpu"].tried, kinds["gpu"].struck, kinds["gpu"].hit) == (1, 1, 1)
    assert kinds["gpu"].recovery_s.samples == [5.0]
    assert (kinds["facade"].struck, kinds["facade"].hit) == (1, 0)


def test_a_fault_that_found_nobody_is_tried_and_has_not_struck() -> None:
    soak = Soak()
    soak.history.faults = [f for f in soak.history.faults if f.role != "facade"]
    soak.strike(2, "facade", at=9, worker="facade", phase=FaultPhase.MISSED)
    assert (soak.entry.faults_confirmed, soak.entry.kills) == (1, 1)
    assert soak.verdict_on("faults accounted for").verdict is Verdict.VALID


def test_a_fault_of_the_plan_that_left_no_trace_makes_it_unknown() -> None:
    soak = Soak()
    soak.history.faults = [f for f in soak.history.faults if f.role != "facade"]
    assert soak.verdict_on("faults accounted for").verdict is Verdict.UNKNOWN


@pytest.mark.parametrize(
    ("status", "held", "bucket"),
    [(JobStatus.RUNNING, False, Bucket.LOST), (JobStatus.RUNNING, True, Bucket.UNRECOVERED)],
)
def test_a_job_that_never_ends_is_a_loss(status: str, held: bool, bucket: Bucket) -> None:
    soak = Soak()
    soak.history.finals = [f for f in soak.history.finals if f.job_id != "b"]
    soak.final("b", status, held=held)
    assert soak.entry.buckets[bucket] == 1
    assert soak.verdict_on("no loss").verdict is Verdict.INVALID
    assert soak.metrics().verdict is Verdict.INVALID


def test_an_effect_applied_again_is_counted() -> None:
    soak = Soak()
    soak.effect("a", "notify_user", 30, key="another")
    assert soak.entry.duplicate_effects == 1
    assert soak.verdict_on("no duplicate effects").verdict is Verdict.INVALID


def test_a_success_without_its_effect_is_a_phantom() -> None:
    soak = Soak()
    soak.history.effects = [e for e in soak.history.effects if e.effect != "notify_user"]
    assert soak.entry.buckets[Bucket.PHANTOM] == 2
    assert soak.verdict_on("no phantoms").verdict is Verdict.INVALID


def test_throughput_counts_each_completed_job_once() -> None:
    entry = Soak().entry
    assert entry.every_s == 1.0
    assert sum(done for _, done in entry.throughput) == 2
    assert [at for at, done in entry.throughput if done] == [12.0, 26.0]


def test_the_answer_counts_kills_and_what_was_lost() -> None:
    said = " ".join(Soak().metrics().answer)
    assert "2 of which struck" in said
    assert f"{ARM} completed 2 of 2 jobs under 2 kills: 0 lost" in said


def test_a_soak_that_cannot_be_sorted_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise ValueError("broken")

    monkeypatch.setattr(measure_module, "by_cell", broken)
    entry = Soak().entry
    assert (entry.verdict, entry.jobs) == (Verdict.UNKNOWN, 0)
