"""Builds histories that read as stories. Times in seconds from the start of the run."""

from collections.abc import Sequence
from dataclasses import replace

from bench.checkers.measure import measure
from bench.record.history import (
    ClientOp,
    Distress,
    FaultEvent,
    FaultPhase,
    FinalState,
    History,
    HostSample,
    OpPhase,
    ProcessEvent,
    ServerPause,
)
from bench.record.metrics import CellMetrics, Check, Metrics
from bench.record.run_info import SCHEMA, CellInfo, RunInfo
from shared.domain.jobs import Bound
from shared.domain.records import AttemptRecord, EffectRecord
from shared.domain.status import JobStatus, RecordKind

OWED = ["reserve_credits", "capture_credits", "notify_user"]
DENOISE = "generate_image/0"
CELL = "hardened-kill"
ARM = "celery/hardened"
STEPS = 10

_BASE = CellInfo(
    id=CELL,
    arm=ARM,
    engine="celery",
    profile="hardened",
    workload="image-generation",
    compute="simulated",
    fault="none",
    trials=0,
    drain_s=30.0,
    predicted=Bound(10.0, {"visibility_timeout_s": 9.0, "sweep_s": 1.0}, ""),
    owed_effects=OWED,
)


def cell_info(**changes: object) -> CellInfo:
    """A cell of `celery/hardened` without a fault, but for `changes`."""
    return replace(_BASE, **changes)  # type: ignore[arg-type]


class Story:
    """A run in the making: one cell, unless more are given."""

    def __init__(self, *cells: CellInfo, **changes: object) -> None:
        self.cells = list(cells) or [cell_info(**changes)]
        self.history = History()

    def submit(
        self,
        job: str | None,
        at: float = 0.0,
        outcome: OpPhase | None = OpPhase.OK,
        *,
        cell: str = CELL,
        intended: float | None = None,
        took: float = 0.1,
        op_id: str | None = None,
        key: str | None = None,
    ) -> "Story":
        """A client submits; `outcome` None if the client never wrote one down."""
        op_id = op_id or f"submit-{len(self.history.ops)}"
        sent = ClientOp(cell, "submit", OpPhase.INVOKE, op_id, at, at, intended, job, key=key)
        self.history.ops.append(sent)
        if outcome is not None:
            answer = replace(sent, phase=outcome, mono_s=at + took, wall_s=at + took)
            self.history.ops.append(answer)
        return self

    def client(self, op: str, job: str, at: float, status: str | None = None) -> "Story":
        """A client's `cancel`, or `follow` that saw a status."""
        self.history.ops.append(
            ClientOp(CELL, op, OpPhase.OK, f"{op}-{at}", at, at, job_id=job, status=status)
        )
        return self

    def attempt(
        self,
        job: str,
        name: str,
        *,
        at: float,
        working: float | None = None,
        progress: Sequence[tuple[float, int]] = (),
        ends: tuple[RecordKind, float] | None = None,
        step: str = DENOISE,
        worker: str = "gpu-0",
        pid: int = 100,
    ) -> "Story":
        """One attempt; it works from `working` on (None: never), and may have no end."""

        def record(kind: RecordKind, mono_s: float, done: int = 0, total: int = 0) -> None:
            self.history.attempts.append(
                AttemptRecord(
                    kind, job, step, 1, name, worker, pid, done, total, "", mono_s, mono_s
                )
            )

        record(RecordKind.STARTED, at)
        if working is not None:
            record(RecordKind.WORKING, working)
        for mono_s, done in progress:
            record(RecordKind.PROGRESS, mono_s, done, STEPS)
        if ends:
            reached = max((done for _, done in progress), default=0)
            record(ends[0], ends[1], reached, STEPS if progress else 0)
        return self

    def denoise(
        self,
        job: str,
        name: str,
        *,
        at: float,
        done: tuple[int, int] = (0, STEPS),
        ends: RecordKind | None = RecordKind.FINISHED,
        worker: str = "gpu-0",
        pid: int = 100,
    ) -> "Story":
        """A `generate_image` attempt: a second a denoising step, and one to set up and to end."""
        first, last = done
        progress = [(at + 1 + i, first + i) for i in range(last - first + 1)]
        end = (ends, progress[-1][0] + 1) if ends else None
        return self.attempt(
            job, name, at=at, working=at, progress=progress, ends=end, worker=worker, pid=pid
        )

    def effect(
        self,
        job: str,
        effect: str,
        at: float,
        amount: int | None = 1,
        *,
        applied: bool = True,
        key: str | None = None,
    ) -> "Story":
        """A call that the sink received."""
        self.history.effects.append(
            EffectRecord(job, effect, key or f"{job}/{effect}", amount, applied, at, at)
        )
        return self

    def final(
        self,
        job: str,
        status: str | None = JobStatus.SUCCEEDED,
        *,
        at: float = 100.0,
        readable: bool | None = None,
        held: bool | None = None,
        due_in_s: float | None = None,
        stuck: bool = False,
        cell: str = CELL,
    ) -> "Story":
        """What the facade said at the end; a success is readable unless told otherwise."""
        if status == JobStatus.SUCCEEDED and readable is None:
            readable = True
        self.history.finals.append(
            FinalState(cell, job, status, None, readable, held, "", due_in_s, at, at, stuck)
        )
        return self

    def settled(self, job: str, at: float) -> "Story":
        """The effects of a job that went well, and the step that notified."""
        for effect in OWED:
            self.effect(job, effect, at)
        return self.attempt(
            job,
            f"{job}-notify",
            at=at,
            working=at,
            ends=(RecordKind.FINISHED, at),
            step="notify_user",
            worker="cpu-0",
            pid=200,
        )

    def healthy(self, job: str, at: float = 0.0, *, cell: str = CELL) -> "Story":
        """A job that goes well: accepted after 0.1 s, completed 12 s after it was sent."""
        self.submit(job, at, cell=cell).denoise(job, f"{job}-1", at=at)
        return self.settled(job, at + 12).final(job, cell=cell)

    def fault(
        self,
        trial: str,
        job: str,
        attempt: str,
        at: float,
        *,
        kind: str = "sigkill",
        phases: Sequence[FaultPhase] = (FaultPhase.INJECTED, FaultPhase.CONFIRMED),
        worker: str = "gpu-0",
        pid: int = 100,
        cell: str = CELL,
        part_of: str = "",
    ) -> "Story":
        """A fault that strikes one attempt."""
        for phase in phases:
            hit = (trial, cell, kind, phase, job, DENOISE, attempt, worker, pid)
            self.history.faults.append(FaultEvent(*hit, at, at, part_of=part_of))
        return self

    def client_fault(
        self,
        trial: str,
        job: str,
        at: float,
        *,
        kind: str = "double-submit",
        phase: FaultPhase = FaultPhase.CONFIRMED,
        injected: float | None = None,
    ) -> "Story":
        """A fault that aims at no attempt; it learns its job's id only on the way."""
        began = at if injected is None else injected
        for each, job_id, when in ((FaultPhase.INJECTED, "", began), (phase, job, at)):
            self.history.faults.append(
                FaultEvent(trial, CELL, kind, each, job_id, "", "", "", 0, when, when)
            )
        return self

    def killed(
        self, job: str, at: float = 0.0, *, after: float = 5.0, resumed_from: int = 0
    ) -> "Story":
        """A job killed 6 s after it began, with 5 of 10 steps done; another attempt completes it.

        The new attempt starts `after` seconds from the kill, on another worker.
        """
        again = at + 6 + after
        self.submit(job, at).denoise(job, f"{job}-1", at=at, done=(0, 5), ends=None)
        self.fault(f"trial-{job}", job, f"{job}-1", at + 6)
        self.denoise(job, f"{job}-2", at=again, done=(resumed_from, STEPS), worker="gpu-1", pid=101)
        return self.settled(job, again + STEPS - resumed_from + 2).final(job)

    def process(self, name: str, phase: str, at: float, pid: int, *, arm: str = ARM) -> "Story":
        """A process of the run starts or ends."""
        self.history.processes.append(ProcessEvent(arm, name, "gpu", pid, phase, at, at))
        return self

    def machine(self, *, busy: float, from_s: float, to_s: float, **looks: float) -> "Story":
        """How much of the processors was in use, and what else was seen, by the second."""
        seconds = range(int(from_s) + 1, int(to_s) + 1)
        self.history.host += [HostSample(busy, at, at, **looks) for at in seconds]
        return self

    def complains(self, server: str, *, times: int, at: float, arm: str = "") -> "Story":
        """A server says that it was too slow for so many of its own calls."""
        self.history.distress.append(Distress(arm, server, times, at, at))
        return self

    def pauses(
        self, server: str, pause_s: float, *, at: Sequence[float], event: str = "aof-write"
    ) -> "Story":
        """A server says that something held it up so long at each of these times."""
        self.history.pauses += [ServerPause("", server, event, pause_s, s, s) for s in at]
        return self

    def model_loaded(
        self, seconds: str, at: float, *, worker: str = "gpu-0", pid: int = 100
    ) -> "Story":
        """A worker has loaded its model."""
        self.history.attempts.append(
            AttemptRecord(
                RecordKind.MODEL_LOADED,
                "",
                "",
                0,
                f"load-{at}",
                worker,
                pid,
                detail=seconds,
                wall_s=at,
                mono_s=at,
            )
        )
        return self

    def info(self) -> RunInfo:
        """The run's metadata, as bare as it can be."""
        return RunInfo(
            schema=SCHEMA,
            run_id="run",
            command="changeover compare",
            scenario="",
            seed=1,
            started_at="2026-01-01T00:00:00Z",
            duration_s=100.0,
            host={},
            versions={},
            git="",
            services=[],
            topology={},
            settings={},
            cells=[cell for cell in self.cells if not cell.twin_of],
            twins=[cell for cell in self.cells if cell.twin_of],
        )

    def metrics(self) -> Metrics:
        """What the checkers make of it."""
        return measure(self.info(), self.history)

    def cell(self, cell_id: str = CELL) -> CellMetrics:
        """The metrics of one cell."""
        return next(cell for cell in self.metrics().cells if cell.id == cell_id)

    def check(self, name: str) -> Check:
        """The outcome of one check on the first cell."""
        return next(check for check in self.metrics().cells[0].checks if check.name == name)
