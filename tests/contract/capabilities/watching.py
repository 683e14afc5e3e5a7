"""Waiting, with a limit, and reading the ledger: what the suite believes."""

import asyncio
import time
from collections.abc import Callable
from typing import Any

from shared.adapters.ledger import SqlLedger
from shared.domain.records import AttemptRecord
from shared.domain.status import RecordKind

LIMIT_S = 45.0
_POLL_S = 0.05


async def until(what: str, holds: Callable[[], Any], limit_s: float = LIMIT_S) -> Any:
    """Return the first true value of `holds`, a function or a coroutine function."""
    give_up_at = time.monotonic() + limit_s
    while True:
        value = holds()
        if asyncio.iscoroutine(value):
            value = await value
        if value:
            return value
        assert time.monotonic() < give_up_at, f"not within {limit_s:g} s: {what}"
        await asyncio.sleep(_POLL_S)


class LedgerView:
    """What the ledger says of jobs."""

    def __init__(self, ledger: SqlLedger) -> None:
        self._ledger = ledger

    def told(
        self, job: str, step: str | None = None, kind: RecordKind | None = None
    ) -> list[AttemptRecord]:
        """Return what the ledger says of a job, of one of its steps, of one kind."""
        return [
            record
            for record in self._ledger.of_job(job)
            if step in (None, record.step) and kind in (None, record.kind)
        ]

    def started(self, job: str, step: str | None = None) -> list[AttemptRecord]:
        return self.told(job, step, RecordKind.STARTED)

    def finished(self, job: str, step: str | None = None) -> list[AttemptRecord]:
        return self.told(job, step, RecordKind.FINISHED)

    async def seen(
        self, job: str, step: str, kind: RecordKind, *, times: int = 1, limit_s: float = LIMIT_S
    ) -> list[AttemptRecord]:
        """Wait until a step has left this many records of a kind."""

        def enough() -> list[AttemptRecord] | None:
            records = self.told(job, step, kind)
            return records if len(records) >= times else None

        what = f"{job}: {times} x {step} {kind}"
        records: list[AttemptRecord] = await until(what, enough, limit_s)
        return records

    async def reached(self, job: str, step: str, done: int) -> AttemptRecord:
        """Wait until an attempt of `step` has recorded `done` units of progress."""

        def far_enough() -> AttemptRecord | None:
            records = self.told(job, step, RecordKind.PROGRESS)
            return next((record for record in records if record.done >= done), None)

        record: AttemptRecord = await until(f"{job}: {step} reaches {done}", far_enough)
        return record
