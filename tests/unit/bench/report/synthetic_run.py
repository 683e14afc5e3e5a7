"""Makes the folder of a run that never ran: its metadata, its history, its pictures."""

import json
import random
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

from PIL import Image, ImageDraw

from bench.checkers.measure import measure
from bench.history import (
    ClientOp,
    FaultEvent,
    FaultPhase,
    FinalState,
    History,
    OpPhase,
    ProcessEvent,
    write_history,
)
from bench.metrics import Metrics
from bench.run_info import SCHEMA, CellInfo, RunInfo, ServiceInfo, write_run_info
from shared.domain.jobs import Bound, EffectiveSetting
from shared.domain.records import AttemptRecord, EffectRecord
from shared.domain.status import RecordKind

ARMS = (
    "celery/stock",
    "celery/hardened",
    "temporal/stock",
    "temporal/hardened",
    "temporal/standalone",
)
BOUNDS = {
    "celery/stock": None,
    "celery/hardened": 7.5,
    "temporal/stock": 1804.0,
    "temporal/hardened": 7.0,
    "temporal/standalone": 7.0,
}
EFFECTS = ("reserve_credits", "capture_credits", "notify_user")
STEPS = 20


@dataclass
class SyntheticRun:
    """A run in memory; `write` puts it on disk."""

    arms: tuple[str, ...] = ARMS
    kills: int = 20
    stops: int = 6
    real_kills: int = 3
    seed: int = 7
    history: History = field(default_factory=History)
    cells: list[CellInfo] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)
        self._ids = count(1)
        plan = (
            ("simulated", "none", 0, 12),
            ("simulated", "sigkill", self.kills, 8),
            ("simulated", "sigterm", self.stops, 4),
            ("diffusers", "sigkill", self.real_kills, 2),
        )
        for compute, fault, trials, others in plan:
            for arm in self.arms:
                self._cell(arm, compute, fault, trials, others)

    @property
    def info(self) -> RunInfo:
        """The run's metadata."""
        return RunInfo(
            schema=SCHEMA,
            run_id="20251121-202400-compare-00ff",
            command="changeover compare --seed 7",
            scenario='name = "compare"\nseed = 7\n',
            seed=self.seed,
            started_at="2025-11-21T20:24:00+00:00",
            duration_s=283.4,
            host={"system": "Linux 6.1 x86_64", "cpus": "2", "memory": "8 GiB"},
            versions={"python": "3.11.9", "celery": "5.7.0", "temporalio": "1.35.0"},
            git="0123abc",
            services=[
                ServiceInfo("Valkey", "9.1.2", "append-only file, fsync every second"),
                ServiceInfo("Temporal dev server", "1.32.0", "SQLite in WAL mode, one shard"),
            ],
            topology={"gpu_workers": "3", "cpu_workers": "1", "detection_budget_s": "6.0"},
            settings={arm: _settings(arm) for arm in self.arms},
            cells=self.cells,
        )

    @property
    def metrics(self) -> Metrics:
        """What the checkers make of it."""
        return measure(self.info, self.history)

    def write(self, folder: Path) -> Path:
        """Write the folder as the bench would, pictures included."""
        folder.mkdir(parents=True, exist_ok=True)
        write_run_info(folder / "run.json", self.info)
        write_history(folder / "history.jsonl", self.history)
        _write_pictures(folder / "images", self.arms)
        return folder

    def _cell(self, arm: str, compute: str, fault: str, trials: int, others: int) -> None:
        engine, _, profile = arm.partition("/")
        bound = BOUNDS[arm] if fault != "none" else None
        why = "the message is acknowledged before the step begins: nothing hands it out again"
        cell = CellInfo(
            id=f"{compute}-{fault}-{engine}-{profile}",
            arm=arm,
            engine=engine,
            profile=profile,
            workload="image-generation",
            compute=compute,
            fault=fault,
            trials=trials,
            drain_s=15.0,
            predicted=Bound(
                bound,
                {"visibility_timeout_s": bound - 2, "sweep_s": 1.0, "slot_s": 1.0} if bound else {},
                "" if bound or fault == "none" else why,
            ),
            owed_effects=list(EFFECTS),
            demands=["no_loss"] if profile != "stock" and fault == "sigkill" else [],
        )
        self.cells.append(cell)
        for place in range(trials + others):
            at = 100.0 * len(self.cells) + 2.5 * place
            _Job(self, cell, at, place if place < trials else None).run()

    def next_id(self) -> str:
        """A fresh id, the same for the same seed."""
        return f"{next(self._ids):08x}-0000-4000-8000-000000000000"

    def uniform(self, low: float, high: float) -> float:
        """A draw from the run's own generator."""
        return self._random.uniform(low, high)


class _Job:
    def __init__(self, run: SyntheticRun, cell: CellInfo, at: float, trial: int | None) -> None:
        self.run_, self.cell, self.at, self.trial = run, cell, at, trial
        self.job_id = run.next_id()
        self.step_s = 0.1 if cell.compute == "simulated" else 0.12
        self.history = run.history

    def run(self) -> None:
        self._op("submit", OpPhase.INVOKE, self.at)
        self._op("submit", OpPhase.OK, self.at + self.run_.uniform(0.008, 0.03), "accepted")
        self.at += self.run_.uniform(0.05, 0.2)
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
        done = round(self.run_.uniform(5, 15))
        self._attempt(1, 0, done, kill_after=self.run_.uniform(0.01, 0.09), stop_at=None)
        if self.cell.profile == "stock":
            return False
        waits = {"celery": (3.2, 6.4), "temporal": (2.6, 6.4)}[self.cell.engine]
        self.at += self.run_.uniform(*waits)
        resumed = done // 5 * 5 if self.cell.engine == "temporal" else 0
        self._attempt(2, resumed, STEPS, kill_after=None, stop_at=None)
        return True

    def _attempt(
        self, number: int, begin: int, until: int, *, kill_after: float | None, stop_at: int | None
    ) -> None:
        attempt_id = self.run_.next_id()
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
        attempt_id = self.run_.next_id()
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
        self.at += self.run_.uniform(0.02, 0.1)

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
        due = (BOUNDS[self.cell.arm] or 0) - 15 if held else None
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


def _settings(arm: str) -> list[EffectiveSetting]:
    engine, _, profile = arm.partition("/")
    if engine == "celery":
        late = str(profile != "stock")
        timeout = "5.0" if profile != "stock" else "3600"
        return [
            EffectiveSetting("visibility_timeout_s", timeout, "the detection budget", "redis.rst"),
            EffectiveSetting("acks_late", late, "a killed task must stay", "defaults.py"),
        ]
    if profile == "stock":
        return [EffectiveSetting("generate_image_start_to_close_s", "1800", "the guide", "guide")]
    return [EffectiveSetting("heartbeat_timeout_s", "5.0", "the detection budget", "docs")]


def _write_pictures(images: Path, arms: tuple[str, ...]) -> None:
    index = []
    for arm in arms:
        folder = images / arm.replace("/", "-")
        folder.mkdir(parents=True, exist_ok=True)
        for seed, colour in ((1, "red"), (2, "gold"), (3, "seagreen")):
            image = Image.new("RGB", (64, 64), "navy")
            ImageDraw.Draw(image).ellipse((12, 12, 52, 52), fill=colour)
            image.save(folder / f"{seed}.png")
            prompt = f"a {colour} circle on a navy background"
            index.append(
                {
                    "arm": arm,
                    "job_id": f"job-{seed}",
                    "name": "image-0.png",
                    "prompt": prompt,
                    "seed": seed,
                    "file": f"{folder.name}/{seed}.png",
                }
            )
    (images / "index.json").write_text(json.dumps(index))
