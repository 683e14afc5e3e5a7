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
    """All records of one arm so far, by attempt; kept fresh by `follow`."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._seq = 0
        self.records: list[AttemptRecord] = []
        self.by_attempt: dict[str, list[AttemptRecord]] = {}
        self.model_loads: list[AttemptRecord] = []
        self._open: dict[str, list[AttemptRecord]] = {}

    def refresh(self) -> None:
        """Read what is new."""
        for record in self._ledger.since(self._seq):
            self._seq = record.seq
            self.records.append(record)
            if record.kind is RecordKind.MODEL_LOADED:
                self.model_loads.append(record)
            else:
                records = self.by_attempt.setdefault(record.attempt_id, [])
                records.append(record)
                if record.kind.ends_attempt:
                    self._open.pop(record.attempt_id, None)
                else:
                    self._open[record.attempt_id] = records

    async def follow(self) -> None:
        """Refresh until cancelled."""
        while True:
            self.refresh()
            await asyncio.sleep(_POLL_S)

    def open_attempts(self) -> list[Sequence[AttemptRecord]]:
        """Return the records of each attempt that has not ended."""
        return list(self._open.values())


def tail_of(database_url: str) -> LedgerTail:
    """Return a tail of the ledger in this database."""
    return LedgerTail(SqlLedger(connect(database_url)))
