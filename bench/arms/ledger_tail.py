"""Follows one arm's ledger while it is being written."""

import asyncio
from collections.abc import Sequence

from shared.adapters.ledger import SqlLedger
from shared.adapters.sql import connect
from shared.domain.records import AttemptRecord
from shared.domain.status import RecordKind
from shared.ports.ledger import Ledger

_POLL_S = 0.04


class LedgerTail:
    """The records of one arm so far, by attempt; kept fresh by `follow`.

    With `keep` off it forgets an attempt once it has ended, and has no `records`: what a long run
    needs is then read from the ledger when the run is over.
    """

    def __init__(self, ledger: Ledger, *, keep: bool = True) -> None:
        self._ledger = ledger
        self._keep = keep
        self._seq = 0
        self.records: list[AttemptRecord] = []
        self.by_attempt: dict[str, list[AttemptRecord]] = {}
        self.model_loads: list[AttemptRecord] = []
        self._open: dict[str, list[AttemptRecord]] = {}

    def refresh(self) -> None:
        """Read what is new."""
        for record in self._ledger.since(self._seq):
            self._seq = record.seq
            if self._keep:
                self.records.append(record)
            if record.kind is RecordKind.MODEL_LOADED:
                self.model_loads.append(record)
            else:
                self._add(record)

    def _add(self, record: AttemptRecord) -> None:
        records = self.by_attempt.setdefault(record.attempt_id, [])
        records.append(record)
        if not record.kind.ends_attempt:
            self._open[record.attempt_id] = records
            return
        self._open.pop(record.attempt_id, None)
        if not self._keep:
            del self.by_attempt[record.attempt_id]

    async def follow(self, every_s: float = _POLL_S) -> None:
        """Refresh until cancelled."""
        while True:
            self.refresh()
            await asyncio.sleep(every_s)

    def open_attempts(self) -> list[Sequence[AttemptRecord]]:
        """Return the records of each attempt that has not ended."""
        return list(self._open.values())

    def forget(self, attempt_id: str) -> None:
        """Count an attempt as over whose process is known to be dead."""
        self._open.pop(attempt_id, None)
        self.by_attempt.pop(attempt_id, None)


def tail_of(database_url: str) -> LedgerTail:
    """Return a tail of the ledger in this database."""
    return LedgerTail(SqlLedger(connect(database_url)))
