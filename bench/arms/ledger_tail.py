"""Follows one arm's ledger while it is being written."""

import asyncio
import contextlib
import os
from collections.abc import Sequence

from bench.arms.supervisor import Managed
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

    def every_record(self) -> Sequence[AttemptRecord]:
        """Return all records so far, read again where they were not kept."""
        return self.records if self._keep else self._ledger.since(0)

    def open_attempts(self) -> list[Sequence[AttemptRecord]]:
        """Return the records of each attempt that has not ended."""
        return list(self._open.values())

    def open_attempts_of(self, place: Managed) -> list[Sequence[AttemptRecord]]:
        """Return the open attempts of the processes that now run in a place.

        An attempt whose process is dead is over; it is forgotten.
        """
        found: list[Sequence[AttemptRecord]] = []
        for records in self.open_attempts():
            last = records[-1]
            group = _group(last.pid) if last.worker == place.spec.name else 0
            if group == place.pid:
                found.append(list(records))
            elif group is None:
                self._open.pop(last.attempt_id, None)
                self.by_attempt.pop(last.attempt_id, None)
        return found


def _group(pid: int) -> int | None:
    with contextlib.suppress(OSError):
        return os.getpgid(pid)
    return None


def tail_of(database_url: str, *, keep: bool = True) -> LedgerTail:
    """Return a tail of the ledger in this database."""
    return LedgerTail(SqlLedger(connect(database_url)), keep=keep)
