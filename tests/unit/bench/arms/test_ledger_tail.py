"""What a tail of the ledger keeps in memory."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from bench.arms.ledger_tail import LedgerTail
from shared.domain.records import AttemptRecord
from shared.domain.status import RecordKind


class Written:
    """A ledger in memory."""

    def __init__(self) -> None:
        self.records: list[AttemptRecord] = []

    def append(self, record: AttemptRecord) -> None:
        self.records.append(replace(record, seq=len(self.records) + 1))

    def since(self, seq: int) -> Sequence[AttemptRecord]:
        return self.records[seq:]

    def of_job(self, job_id: str) -> Sequence[AttemptRecord]:
        return [record for record in self.records if record.job_id == job_id]

    def attempt(self, name: str, *kinds: RecordKind) -> None:
        for kind in kinds:
            self.append(AttemptRecord(kind, "job", "assemble", 1, name, "cpu-0", 1))


def test_a_tail_keeps_everything_and_knows_what_is_open() -> None:
    ledger = Written()
    tail = LedgerTail(ledger)
    ledger.attempt("over", RecordKind.STARTED, RecordKind.FINISHED)
    ledger.attempt("open", RecordKind.STARTED, RecordKind.WORKING)
    tail.refresh()
    assert len(tail.records) == 4
    assert set(tail.by_attempt) == {"over", "open"}
    assert [records[0].attempt_id for records in tail.open_attempts()] == ["open"]


def test_a_tail_of_a_long_run_forgets_what_has_ended() -> None:
    ledger = Written()
    tail = LedgerTail(ledger, keep=False)
    ledger.attempt("over", RecordKind.STARTED, RecordKind.FINISHED)
    ledger.attempt("open", RecordKind.STARTED)
    ledger.attempt("load", RecordKind.MODEL_LOADED)
    tail.refresh()
    tail.refresh()
    assert (tail.records, set(tail.by_attempt)) == ([], {"open"})
    assert len(tail.model_loads) == 1
    ledger.attempt("open", RecordKind.FINISHED)
    tail.refresh()
    assert (tail.open_attempts(), tail.by_attempt) == ([], {})


@pytest.mark.parametrize("keep", [True, False])
def test_every_record_can_be_read_again(keep: bool) -> None:
    ledger = Written()
    tail = LedgerTail(ledger, keep=keep)
    ledger.attempt("over", RecordKind.STARTED, RecordKind.FINISHED)
    tail.refresh()
    assert [record.kind for record in tail.every_record()] == ["started", "finished"]
