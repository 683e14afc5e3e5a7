"""One execution of a step by one worker, as the step sees it and as the ledger records it."""

import os
import time
import uuid
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace

from shared.crash_points import CrashInjector, Moment
from shared.domain.errors import AttemptsUsedUp, JobCancelled, Superseded, WorkerStopping
from shared.domain.records import AttemptRecord
from shared.domain.status import RecordKind
from shared.policy import policy_of
from shared.ports.idempotency import Claimed, Held, Stored
from shared.ports.step_host import StepHost, StopReason
from shared.worker_ports import WorkerPorts, owner_of, step_key

_HELD_POLL_S = 0.1


class Attempt:
    """A `StepContext` for one execution by one worker."""

    def __init__(self, ports: WorkerPorts, job_id: str, step: str, host: StepHost) -> None:
        self.job_id = job_id
        self.step = step
        self.attempt = 0
        self.begun = False
        """Whether the ledger knows of this attempt."""
        self.idempotency_key = step_key(job_id, step)
        self._id = uuid.uuid4().hex
        self._ports = ports
        self._host = host
        self._arrived = (time.time(), time.monotonic())
        self._checkpoint: str | None = None
        self._resume: str | None = None
        self._token = 0
        self._renewed_at = 0.0
        self._reached = (0, 0)
        self._changes: list[Callable[[], None]] = []

    def _record(self, kind: RecordKind, detail: str = "") -> AttemptRecord:
        done, total = self._reached
        return AttemptRecord(
            kind=kind,
            job_id=self.job_id,
            step=self.step,
            attempt=self.attempt,
            attempt_id=self._id,
            worker=self._ports.worker,
            pid=os.getpid(),
            done=done,
            total=total,
            detail=detail,
        )

    def begin(self) -> Stored | None:
        """Begin, take the step and say so in the ledger, in one transaction.

        While another attempt's lease is alive it is waited for: a live holder that goes on renewing
        at most as long as one healthy attempt may take; its stored result is then returned.
        `WorkerStopping` past that. Raises what fits if the engine wants this attempt to stop, and
        `AttemptsUsedUp`.
        """
        give_up_at = time.monotonic() + policy_of(self.step).start_to_close_s
        while True:
            # Asked before the transaction, in which all other writers wait.
            reason = self._host.stop_reason()
            match self._try_to_take(may_work=reason is None):
                case Stored() as stored:
                    return stored
                case Claimed(token=token):
                    self._token = token
                    self._renewed_at = time.monotonic()
                    if self._is_one_too_many:
                        limit = policy_of(self.step).maximum_attempts
                        # Not "tried so often": one activity for a whole job counts the attempts of
                        # its other steps too.
                        raise AttemptsUsedUp(
                            f"{self.step} began in attempt {self.attempt}; {limit} are allowed"
                        )
                    _stop(reason)
                    return None
                case Held(expires_in_s=expires_in_s):
                    if time.monotonic() > give_up_at:
                        raise WorkerStopping(f"{self.idempotency_key} is held by another attempt")
                    self._host.heartbeat(0, 0, self._checkpoint)
                    self.stop_if_told()
                    time.sleep(max(0.01, min(_HELD_POLL_S, expires_in_s)))

    def _try_to_take(self, *, may_work: bool) -> Stored | Claimed | Held:
        ports, owner = self._ports, f"{owner_of(self._ports.worker, os.getpid())}{self._id}"
        with ports.transactions.together():
            records = [] if self.begun else [self._started()]
            answer = ports.idempotency.begin(self.idempotency_key, owner, ports.lease_s)
            if isinstance(answer, Stored):
                records.append(self._record(RecordKind.REPLAYED))
            elif isinstance(answer, Claimed) and may_work and not self._is_one_too_many:
                records.append(self._record(RecordKind.WORKING))
            if records:
                ports.ledger.append(*records)
        self.begun = True
        return answer

    def _started(self) -> AttemptRecord:
        self._host.begin()
        self.attempt = self._host.attempt
        self._checkpoint = self._resume = self._host.resume_ref()
        wall_s, mono_s = self._arrived
        return replace(self._record(RecordKind.STARTED), wall_s=wall_s, mono_s=mono_s)

    @property
    def _is_one_too_many(self) -> bool:
        return self.attempt > policy_of(self.step).maximum_attempts

    def commit(self, result: str) -> None:
        """Store the result and say so, or raise `Superseded` and store nothing."""
        with self._ports.transactions.together():
            for change in self._changes:
                change()
            # In the order in which an attempt begins: transactions that took the same rows in
            # another order could wait for each other.
            self._host.finish(result)
            if not self._ports.idempotency.commit(self.idempotency_key, self._token, result):
                raise Superseded
            self._ports.ledger.append(self._record(RecordKind.FINISHED))

    def end_unfinished(self, kind: RecordKind, detail: str) -> None:
        """Give the step back, unless a later attempt has it, and say how this one ended."""
        with self._ports.transactions.together():
            if self._token and kind is not RecordKind.SUPERSEDED:
                self._ports.idempotency.abandon(self.idempotency_key, self._token)
            self._ports.ledger.append(self._record(kind, detail))

    def together(self) -> AbstractContextManager[None]:
        return self._ports.transactions.together()

    def at_commit(self, change: Callable[[], None]) -> None:
        self._changes.append(change)

    def progress(self, done: int, total: int) -> None:
        self._reached = (done, total)
        with self._ports.transactions.together():
            self._renew()
            self._ports.ledger.append(self._record(RecordKind.PROGRESS))
        self._host.heartbeat(done, total, self._checkpoint)
        if 0 < total <= 2 * done:
            self.pass_point(Moment.MID_WORK)
        self.stop_if_told()

    def checkpoint(self, ref: str) -> None:
        self._checkpoint = ref

    def resume_from(self) -> str | None:
        return self._resume

    def apply(self, effect: str, amount: int | None = None) -> None:
        # The fence is checked, a cancel is not: a step that has begun to apply its effect is past
        # the point where it could stop without leaving the world half told.
        self.pass_point(Moment.BEFORE_EFFECT)
        self._renew(force=True)
        self.pass_point(Moment.BEFORE_SEND)
        key = self._ports.idempotency.effect_key(self.idempotency_key, self._id)
        self._ports.effects.apply(effect, job_id=self.job_id, key=key, amount=amount)
        self.pass_point(Moment.AFTER_EFFECT)

    def _renew(self, *, force: bool = False) -> None:
        # A third of the lease leaves room for two slow steps before it runs out.
        now = time.monotonic()
        if not force and now - self._renewed_at < self._ports.lease_s / 3:
            return
        if not self._ports.idempotency.renew(
            self.idempotency_key, self._token, self._ports.lease_s
        ):
            raise Superseded
        self._renewed_at = now

    def stop_if_told(self) -> None:
        """Raise what fits if the engine wants this attempt to stop."""
        _stop(self._host.stop_reason())

    def pass_point(self, moment: Moment) -> None:
        """Be struck here, if an experiment has armed this worker so."""
        if crash_injector := self.chosen_by(moment):
            crash_injector.crash()

    def chosen_by(self, moment: Moment) -> CrashInjector | None:
        """Return who strikes this attempt at this moment, None but in an experiment.

        The ledger says so first.
        """
        crash_injector = self._ports.crash_injector
        if not crash_injector or not crash_injector.chooses(moment, self.job_id, self.step):
            return None
        detail = str(crash_injector.point)
        self._ports.ledger.append(self._record(RecordKind.CRASH_POINT, detail))
        return crash_injector


def _stop(reason: StopReason | None) -> None:
    match reason:
        case StopReason.CANCELLED:
            raise JobCancelled
        case StopReason.SUPERSEDED:
            raise Superseded
        case StopReason.WORKER_STOPPING:
            raise WorkerStopping
        case None:
            pass
