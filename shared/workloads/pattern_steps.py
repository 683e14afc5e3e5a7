"""The steps of the capability patterns, the same code on both engines.

They do nothing but leave records in the ledger, sleep, count, and fail when told. Which worker
runs which step when, and with what attempt number, is the engine's doing: that is what the ledger
is read for.
"""

import os
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from shared.domain.errors import ChangeoverError, JobCancelled, StepRefused
from shared.domain.records import AttemptRecord
from shared.domain.status import RecordKind
from shared.ports.ledger import Ledger


class ToldToFail(ChangeoverError):
    """The step failed because it was told to; it may be tried again."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One execution of a step by one worker."""

    ledger: Ledger
    job: str
    step: str
    number: int
    """From 1; the engine's."""
    worker: str
    id: str = field(default_factory=lambda: uuid.uuid4().hex)

    def record(self, kind: RecordKind, *, done: int = 0, total: int = 0, detail: str = "") -> None:
        """Write one record of this attempt."""
        self.ledger.append(
            AttemptRecord(
                kind=kind,
                job_id=self.job,
                step=self.step,
                attempt=self.number,
                attempt_id=self.id,
                worker=self.worker,
                pid=os.getpid(),
                done=done,
                total=total,
                detail=detail,
            )
        )


@contextmanager
def attempt(ledger: Ledger, job: str, step: str, number: int, worker: str) -> Iterator[Attempt]:
    """Record that a step started, and how it ended: finished, cancelled or failed."""
    this = Attempt(ledger, job, step, number, worker)
    this.record(RecordKind.STARTED)
    try:
        yield this
    except JobCancelled:
        this.record(RecordKind.CANCELLED)
        raise
    except Exception as error:
        this.record(RecordKind.FAILED, detail=str(error) or repr(error))
        raise
    this.record(RecordKind.FINISHED)


def nap(seconds: float) -> None:
    """Be busy for a while."""
    time.sleep(seconds)


def count(
    this: Attempt,
    total: int,
    every_s: float,
    *,
    begin: int = 0,
    tell: Callable[[int], object] | None = None,
    stop: Callable[[], bool] = lambda: False,
) -> int:
    """Work in `total` units of `every_s` seconds from `begin` on, and return `total`.

    Records WORKING with the units that need no repeat, then PROGRESS after each unit, and tells it
    to the engine. Raises `JobCancelled` within one unit of `stop` saying so.
    """
    this.record(RecordKind.WORKING, done=begin, total=total)
    for done in range(begin + 1, total + 1):
        if stop():
            raise JobCancelled
        time.sleep(every_s)
        this.record(RecordKind.PROGRESS, done=done, total=total)
        if tell is not None:
            tell(done)
    return total


def flaky(this: Attempt, failures: int, *, refuse: bool = False) -> int:
    """Return the attempt's number, unless it is among the first `failures`.

    Raises `ToldToFail`, to be tried again, or with `refuse` `StepRefused`, which must not be.
    """
    if refuse:
        raise StepRefused("refused: no attempt can succeed")
    if this.number <= failures:
        raise ToldToFail(f"attempt {this.number} was told to fail")
    return this.number


def hand_out(this: Attempt, token: str) -> None:
    """Record the token with which somebody may complete this step later."""
    this.record(RecordKind.WORKING, detail=token)
