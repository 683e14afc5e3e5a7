"""A fault aims at what the ledger shows, never at an idle worker."""

from bench.arms.ledger_tail import LedgerTail
from bench.faults.target import Aim, find_target
from shared.domain.records import AttemptRecord
from shared.domain.status import RecordKind
from tests.unit.bench.written import Written

AIM = Aim("generate_image", 0.5)


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


def _two(first: RecordKind, other: str = "generate_image/1") -> LedgerTail:
    """A member at work at half its way, and another step of the same job with one record."""
    written = _ledger(RecordKind.PROGRESS, 10)
    written.append(
        AttemptRecord(first, "job", other, 1, "a2", "gpu-1", 43, 0, 20, mono_s=10.0, seq=3)
    )
    tail = LedgerTail(written)
    tail.refresh()
    return tail


def _member(tail: LedgerTail) -> bool:
    aim = Aim("generate_image", 0.5, beside_another=True)
    found = find_target(tail, aim, since_mono_s=0.0, spared_jobs=set(), spared_workers=set())
    return found is not None


def test_a_member_of_a_fan_out_is_struck_only_once_another_one_has_begun() -> None:
    assert _member(_two(RecordKind.WORKING))
    assert not _member(_two(RecordKind.STARTED))
    assert not _member(_two(RecordKind.WORKING, other="reserve_credits"))
    assert not _member(_two(RecordKind.WORKING, other="generate_image/0"))
