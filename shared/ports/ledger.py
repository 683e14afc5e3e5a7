"""The append-only record of attempts, kept apart from both engines."""

from collections.abc import Sequence
from typing import Protocol

from shared.domain.records import AttemptRecord


class Ledger(Protocol):
    """Safe under SIGKILL of any writer: a record is there as a whole or not at all."""

    def append(self, *records: AttemptRecord) -> None:
        """Store one record or more, in this order and in one transaction, before returning."""
        ...

    def since(self, seq: int) -> Sequence[AttemptRecord]:
        """Return the records with a sequence number above `seq`, oldest first."""
        ...

    def of_job(self, job_id: str) -> Sequence[AttemptRecord]:
        """Return one job's records, oldest first."""
        ...
