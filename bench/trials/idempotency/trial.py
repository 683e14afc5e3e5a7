"""One trial: a job is submitted, its worker struck, and all that follows seen to its end."""

import asyncio
import time
import uuid
from dataclasses import dataclass, field
from typing import Any

import httpx

from bench.faults.experiments import Awake, Experiment
from bench.load.client import Client
from bench.record.history import ClientOp, FaultEvent, FaultPhase
from bench.trials.live_arms import LiveArm
from shared.crash_points import CrashAction
from shared.domain.records import AttemptRecord
from shared.domain.status import JobStatus, RecordKind
from shared.policy import NOTIFY_USER

_POLL_S = 0.05
_LOOK_EVERY_S, _LOOK_OFTEN_S = 4.0, 0.3
_SUBMIT_LIMIT_S = 10.0
_ZOMBIE_ENDS_WITHIN_S = 10.0
_JUDGED_AFTER_WAKING_S = 15.0
FAULTS = {CrashAction.KILL: "sigkill", CrashAction.FREEZE: "sigstop"}


@dataclass(slots=True)
class Trial:
    """Follows one job to its end; leaves its client operations and its fault behind."""

    name: str
    cell: str
    arm: LiveArm
    experiment: Experiment
    lease_s: float
    drain_s: float
    ops: list[ClientOp] = field(default_factory=list)
    faults: list[FaultEvent] = field(default_factory=list)
    _job_id: str = ""
    _status: JobStatus | None = None
    _records: list[AttemptRecord] = field(default_factory=list)
    _read: int = 0
    _struck: AttemptRecord | None = None
    _woken_at: float | None = None
    _give_up_at: float = 0.0

    async def run(self, http: httpx.AsyncClient, body: dict[str, Any]) -> None:
        """Return when the job is over and no zombie is left, or `drain_s` after the fault."""
        self._read = len(self.arm.tail.records)
        client = Client(http, self.cell, self.ops)
        accepted = await client.submit_until_answered(body, uuid.uuid4().hex, _SUBMIT_LIMIT_S)
        if accepted.job_id is None:
            return
        self._job_id = accepted.job_id
        self._give_up_at = time.monotonic() + self.drain_s
        looked_at = float("-inf")
        try:
            while time.monotonic() < self._give_up_at and not self._over():
                self._read_ledger()
                if self._may_wake():
                    self._wake()
                # The ledger says when it is worth asking; asking often would be a load.
                pause_s = _LOOK_OFTEN_S if self._nearly_over() else _LOOK_EVERY_S
                if time.monotonic() - looked_at >= pause_s:
                    looked_at = time.monotonic()
                    self._status = await client.status(self._job_id) or self._status
                await asyncio.sleep(_POLL_S)
        finally:
            # Nothing that was frozen is left so, whatever became of the trial.
            if self._sleeps():
                self._wake()

    def _read_ledger(self) -> None:
        records = self.arm.tail.records
        mine = [record for record in records[self._read :] if record.job_id == self._job_id]
        self._read = len(records)
        self._records += mine
        for record in mine:
            if record.kind is RecordKind.CRASH_POINT and self._struck is None:
                self._struck = record
                self._give_up_at = record.mono_s + self.drain_s
                self._event(FaultPhase.INJECTED, record.mono_s)

    def _nearly_over(self) -> bool:
        return any(record.step == NOTIFY_USER for record in self._records)

    def _sleeps(self) -> bool:
        frozen = self._struck is not None and self.experiment.action is CrashAction.FREEZE
        return frozen and self._woken_at is None

    def _may_wake(self) -> bool:
        """Past the lease, and the step is in another attempt's hands; or it is high time."""
        if not self._sleeps() or self._struck is None:
            return False
        now = time.monotonic()
        if now >= self._give_up_at - _JUDGED_AFTER_WAKING_S:
            return True
        wanted = (
            RecordKind.WORKING
            if self.experiment.awake is Awake.BESIDE_SUCCESSOR
            else RecordKind.FINISHED
        )
        succeeded = any(
            record.kind is wanted
            and record.step == self._struck.step
            and record.attempt_id != self._struck.attempt_id
            and record.mono_s > self._struck.mono_s
            for record in self._records
        )
        return succeeded and now - self._struck.mono_s > self.lease_s

    def _wake(self) -> None:
        assert self._struck is not None
        # Recorded before the signal: what the zombie then does comes after it.
        self._woken_at = time.monotonic()
        self._event(FaultPhase.HEALED, self._woken_at)
        self.arm.stack.place(self._struck.worker).continue_group()

    def _over(self) -> bool:
        if self._status is None or not self._status.terminal or self._sleeps():
            return False
        if self._struck is None or self._woken_at is None:
            return True
        ended = any(
            record.kind.ends_attempt and record.attempt_id == self._struck.attempt_id
            for record in self._records
        )
        return ended or time.monotonic() > self._woken_at + _ZOMBIE_ENDS_WITHIN_S

    def _event(self, phase: FaultPhase, mono_s: float) -> None:
        hit = self._struck
        assert hit is not None
        assert self.experiment.action is not None
        self.faults.append(
            FaultEvent.of(
                hit,
                trial=self.name,
                cell=self.cell,
                fault=FAULTS[self.experiment.action],
                phase=phase,
                mono_s=mono_s,
                detail=hit.detail,
            )
        )
