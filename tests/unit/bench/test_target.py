"""A fault aims at what the ledger shows, never at an idle worker."""

from collections.abc import Sequence

from bench.chaos.ledger_tail import LedgerTail
from bench.chaos.target import Aim, find_target
from shared.domain.records import AttemptRecord
from shared.domain.status import RecordKind

AIM = Aim("generate_image", 0.5)


class Written:
    def __init__(self) -> None:
        self.records: list[AttemptRecord] = []

    def append(self, record: AttemptRecord) -> None:
        self.records.append(record)

    def since(self, seq: int) -> Sequence[AttemptRecord]:
        return [record for record in self.records if record.seq > seq]

    def of_job(self, job_id: str) -> Sequence[AttemptRecord]:
        return [record for record in self.records if record.job_id == job_id]


def _ledger(
    kind: RecordKind, done: int, *, step: str = "generate_image/0", attempt: int = 1
) -> Written:
    written = Written()
    for seq, (each, reached) in enumerate([(RecordKind.STARTED, 0), (kind, done)], start=1):
        written.append(
            AttemptRecord(
                each, "job", step, attempt, "a1", "gpu-0", 42, reached, 20, mono_s=10.0, seq=seq
            )
        )
    return written


def _find(written: Written, *, since: float = 0.0, jobs: str = "", workers: str = "") -> bool:
    tail = LedgerTail(written)
    tail.refresh()
    spared_jobs, spared_workers = {jobs}, {workers}
    target = find_target(
        tail,
        AIM,
        since_mono_s=since,
        spared_jobs=spared_jobs,
        spared_workers=spared_workers,
    )
    return target is not None


def test_a_first_attempt_at_the_wanted_share_is_struck() -> None:
    assert _find(_ledger(RecordKind.PROGRESS, 10))


def test_too_early_and_too_late_are_left_alone() -> None:
    assert not _find(_ledger(RecordKind.PROGRESS, 9))
    assert not _find(_ledger(RecordKind.PROGRESS, 19))


def test_an_attempt_that_waits_or_has_ended_is_left_alone() -> None:
    assert not _find(_ledger(RecordKind.STARTED, 10))
    assert not _find(_ledger(RecordKind.FINISHED, 10))


def test_other_steps_and_later_attempts_are_left_alone() -> None:
    assert not _find(_ledger(RecordKind.PROGRESS, 10, step="assemble"))
    assert not _find(_ledger(RecordKind.PROGRESS, 10, attempt=2))


def test_spared_jobs_and_workers_and_jobs_of_an_earlier_cell_are_left_alone() -> None:
    written = _ledger(RecordKind.PROGRESS, 10)
    assert not _find(written, jobs="job")
    assert not _find(written, workers="gpu-0")
    assert not _find(written, since=11.0)
