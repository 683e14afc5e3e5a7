"""Makes the folder of a run that never ran: its metadata, its history, its pictures."""

from dataclasses import dataclass, field
from pathlib import Path

from bench.checkers.measure import measure
from bench.record.history import History, write_history
from bench.record.metrics import Metrics
from bench.record.run_info import SCHEMA, CellInfo, RunInfo, ServiceInfo, write_run_info
from shared.domain.jobs import Bound, EffectiveSetting
from tests.unit.bench.report.synthetic_job import Source, SyntheticJob
from tests.unit.bench.report.synthetic_pictures import write_pictures

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
        self._source = Source(self.seed)
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
        write_pictures(folder / "images", self.arms)
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
            demands=["no_loss", "within_bound"]
            if profile != "stock" and fault == "sigkill"
            else [],
        )
        self.cells.append(cell)
        for place in range(trials + others):
            at = 100.0 * len(self.cells) + 2.5 * place
            SyntheticJob(
                self.history, self._source, cell, at, place if place < trials else None
            ).run()


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
