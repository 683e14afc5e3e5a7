"""A ledger of records that a test wrote, for what follows one."""

from collections.abc import Sequence

from bench.arms.ledger_tail import LedgerTail
from shared.domain.records import AttemptRecord


class Written:
    """`Ledger` in a list."""

    def __init__(self, records: Sequence[AttemptRecord] = ()) -> None:
        self.records = list(records)

    def append(self, record: AttemptRecord) -> None:
        self.records.append(record)

    def since(self, seq: int) -> Sequence[AttemptRecord]:
        return [record for record in self.records if record.seq > seq]

    def of_job(self, job_id: str) -> Sequence[AttemptRecord]:
        return [record for record in self.records if record.job_id == job_id]


def tail_of(records: Sequence[AttemptRecord]) -> LedgerTail:
    """A tail that has read all of them."""
    tail = LedgerTail(Written(records))
    tail.refresh()
    return tail
