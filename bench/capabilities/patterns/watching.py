"""Reading the ledger, and waiting for what it will say: what the suite believes."""

from bench.arms.waiting import until
from shared.adapters.ledger import SqlLedger
from shared.domain.records import AttemptRecord
from shared.domain.status import RecordKind

LIMIT_S = 45.0


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

        record: AttemptRecord = await until(f"{job}: {step} reaches {done}", far_enough, LIMIT_S)
        return record
