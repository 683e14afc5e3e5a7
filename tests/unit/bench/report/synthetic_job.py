"""The records of one job that never ran."""

import random
from itertools import count

from bench.record.history import (
    ClientOp,
    FaultEvent,
    FaultPhase,
    FinalState,
    History,
    OpPhase,
    ProcessEvent,
)
from bench.record.run_info import CellInfo
from shared.domain.records import AttemptRecord, EffectRecord
from shared.domain.status import RecordKind

STEPS = 20


class Source:
    """Ids and draws, the same for the same seed."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self._ids = count(1)

    def next_id(self) -> str:
        """A fresh id."""
        return f"{next(self._ids):08x}-0000-4000-8000-000000000000"

    def uniform(self, low: float, high: float) -> float:
        """A number from the range."""
        return self._random.uniform(low, high)


class SyntheticJob:
    """One job of a cell, told as the ledger, the sink, the load and the injector would."""

    def __init__(
        self, history: History, source: Source, cell: CellInfo, at: float, trial: int | None
    ) -> None:
        self.history, self.source, self.cell, self.at, self.trial = history, source, cell, at, trial
        self.job_id = source.next_id()
        self.step_s = 0.1 if cell.compute == "simulated" else 0.12

    def run(self) -> None:
        """Add the job's records to the history."""
        self._op("submit", OpPhase.INVOKE, self.at)
        self._op("submit", OpPhase.OK, self.at + self.source.uniform(0.008, 0.03), "accepted")
        self.at += self.source.uniform(0.05, 0.2)
        self._cpu("reserve_credits", effect=True)
        if not self._generate():
            self._final("running", held=self.cell.arm != "celery/stock")
            return
        self._cpu("assemble")
        self._cpu("capture_credits", effect=True)
        self._cpu("notify_user", effect=True)
        self._final("succeeded", held=None)

    def _generate(self) -> bool:
        graceful = self.cell.fault == "sigterm" and self.cell.arm in (
            "celery/stock",
            "celery/hardened",
            "temporal/hardened",
        )
        if self.trial is None or graceful:
            hit = None if self.trial is None else 9
            self._attempt(1, 0, STEPS, kill_after=None, stop_at=hit)
            return True
        done = round(self.source.uniform(5, 15))
        self._attempt(1, 0, done, kill_after=self.source.uniform(0.01, 0.09), stop_at=None)
        if self.cell.profile == "stock":
            return False
        waits = {"celery": (3.2, 6.4), "temporal": (2.6, 6.4)}[self.cell.engine]
        self.at += self.source.uniform(*waits)
        resumed = done // 5 * 5 if self.cell.engine == "temporal" else 0
        self._attempt(2, resumed, STEPS, kill_after=None, stop_at=None)
        return True

    def _attempt(
        self, number: int, begin: int, until: int, *, kill_after: float | None, stop_at: int | None
    ) -> None:
        attempt_id = self.source.next_id()
        worker, pid = f"gpu-{number}", 4000 + int(attempt_id[:8], 16)

        def record(kind: RecordKind, done: int = 0, total: int = 0) -> None:
            self.history.attempts.append(
                AttemptRecord(
                    kind,
                    self.job_id,
                    "generate_image/0",
                    number,
                    attempt_id,
                    worker,
                    pid,
                    done,
                    total,
                    wall_s=self.at,
                    mono_s=self.at,
                )
            )

        record(RecordKind.STARTED)
        self.at += 0.4 if number > 1 else 0.01
        record(RecordKind.WORKING)
        for done in range(begin, until + 1):
            record(RecordKind.PROGRESS, done, STEPS)
            if done == stop_at:
                self._fault(attempt_id, worker, pid, done)
            if done < until:
                self.at += self.step_s
        if kill_after is None:
            record(RecordKind.FINISHED, until, STEPS)
            self.at += 0.02
            return
        self.at += kill_after
        self._fault(attempt_id, worker, pid, until)

    def _fault(self, attempt_id: str, worker: str, pid: int, done: int) -> None:
        for phase in (FaultPhase.INJECTED, FaultPhase.CONFIRMED, FaultPhase.HEALED):
            self.history.faults.append(
                FaultEvent(
                    f"{self.cell.fault}-{self.trial}",
                    self.cell.id,
                    self.cell.fault,
                    phase,
                    self.job_id,
                    "generate_image/0",
                    attempt_id,
                    worker,
                    pid,
                    self.at,
                    self.at,
                    done,
                    STEPS,
                )
            )
        self.history.processes.append(
            ProcessEvent(self.cell.arm, worker, "gpu", pid, "exit", self.at, self.at)
        )

    def _cpu(self, step: str, *, effect: bool = False) -> None:
        attempt_id = self.source.next_id()
        for kind in (RecordKind.STARTED, RecordKind.WORKING, RecordKind.FINISHED):
            self.history.attempts.append(
                AttemptRecord(
                    kind,
                    self.job_id,
                    step,
                    1,
                    attempt_id,
                    "cpu-0",
                    77,
                    wall_s=self.at,
                    mono_s=self.at,
                )
            )
            self.at += 0.02
        if effect:
            key = f"{self.job_id}/{step}"
            self.history.effects.append(
                EffectRecord(self.job_id, step, key, 1, True, self.at, self.at)
            )
        self.at += self.source.uniform(0.02, 0.1)

    def _op(self, op: str, phase: OpPhase, at: float, status: str | None = None) -> None:
        self.history.ops.append(
            ClientOp(
                self.cell.id,
                op,
                phase,
                f"{self.job_id}-{op}",
                at,
                at,
                at - 0.002,
                self.job_id,
                status,
                202 if phase is OpPhase.OK else None,
            )
        )

    def _final(self, status: str, *, held: bool | None) -> None:
        end = self.at + 15.0
        due = (self.cell.predicted.seconds or 0) - 15 if held else None
        self.history.finals.append(
            FinalState(
                self.cell.id,
                self.job_id,
                status,
                None,
                True if status == "succeeded" else None,
                held,
                "open workflow" if held else "",
                due,
                end,
                end,
            )
        )
