"""One execution of a step by one worker, as the step sees it and as the ledger records it."""

import os
import time
import uuid
from dataclasses import dataclass

from shared.crash_points import CrashInjector, Moment
from shared.domain.errors import JobCancelled, Superseded, WorkerStopping
from shared.domain.records import AttemptRecord
from shared.domain.status import RecordKind
from shared.policy import policy_of
from shared.ports.effects import Effects
from shared.ports.idempotency import Claimed, Held, Idempotency, Stored
from shared.ports.ledger import Ledger
from shared.ports.step_host import StepHost, StopReason

_HELD_POLL_S = 0.1


def step_key(job_id: str, step: str) -> str:
    """Return the key under which a step is guarded."""
    return f"{job_id}/{step}"


def owner_of(worker: str, pid: int) -> str:
    """Return how the owner of every lease begins that a process of a worker takes."""
    return f"{worker}:{pid}:"


@dataclass(frozen=True, slots=True)
class WorkerPorts:
    """What every attempt in one worker shares."""

    ledger: Ledger
    idempotency: Idempotency
    effects: Effects
    worker: str
    lease_s: float
    crash_injector: CrashInjector | None = None


class Attempt:
    """A `StepContext` for one execution by one worker."""

    def __init__(self, ports: WorkerPorts, job_id: str, step: str, host: StepHost) -> None:
        self.job_id = job_id
        self.step = step
        self.attempt = host.attempt
        self.idempotency_key = step_key(job_id, step)
        self._id = uuid.uuid4().hex
        self._ports = ports
        self._host = host
        self._checkpoint = host.resume_ref()
        self._resume = self._checkpoint
        self._token = 0
        self._renewed_at = 0.0
        self._reached = (0, 0)

    def record(self, kind: RecordKind, done: int = 0, total: int = 0, detail: str = "") -> None:
        self._ports.ledger.append(
            AttemptRecord(
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
        )

    def claim(self) -> Stored | None:
        """Take the step, waiting while another attempt's lease is alive.

        A live holder that goes on renewing is waited for, at most as long as one healthy attempt
        may take; its stored result is then returned. `WorkerStopping` past that.
        """
        give_up_at = time.monotonic() + policy_of(self.step).start_to_close_s
        owner = f"{owner_of(self._ports.worker, os.getpid())}{self._id}"
        while True:
            match self._ports.idempotency.begin(self.idempotency_key, owner, self._ports.lease_s):
                case Stored() as stored:
                    return stored
                case Claimed(token=token):
                    self._token = token
                    self._renewed_at = time.monotonic()
                    return None
                case Held(expires_in_s=expires_in_s):
                    if time.monotonic() > give_up_at:
                        raise WorkerStopping(f"{self.idempotency_key} is held by another attempt")
                    self._host.heartbeat(0, 0, self._checkpoint)
                    self.stop_if_told()
                    time.sleep(max(0.01, min(_HELD_POLL_S, expires_in_s)))

    def commit(self, result: str) -> None:
        """Store the result, or raise `Superseded` and store nothing."""
        if not self._ports.idempotency.commit(self.idempotency_key, self._token, result):
            raise Superseded

    def abandon(self) -> None:
        if self._token:
            self._ports.idempotency.abandon(self.idempotency_key, self._token)

    def progress(self, done: int, total: int) -> None:
        self._reached = (done, total)
        self._renew()
        self.record(RecordKind.PROGRESS, done, total)
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
        match self._host.stop_reason():
            case StopReason.CANCELLED:
                raise JobCancelled
            case StopReason.SUPERSEDED:
                raise Superseded
            case StopReason.WORKER_STOPPING:
                raise WorkerStopping
            case None:
                pass

    @property
    def reached(self) -> tuple[int, int]:
        """The `(done, total)` last reported."""
        return self._reached

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
        self.record(RecordKind.CRASH_POINT, *self._reached, detail=str(crash_injector.point))
        return crash_injector
