"""`run.json`: what was run, where, with which settings; a report needs it and the history only."""

import json
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from pydantic import TypeAdapter

from bench.record.earlier import run_info_from_1
from bench.record.matrix import Matrix
from shared.domain.detection import Clock
from shared.domain.jobs import Bound, EffectiveSetting

SCHEMA = 2
FAULTS_CONFIRMED = "faults_confirmed"
"""What a cell of trials is held to beside what its profile promises."""


class CellKind(StrEnum):
    """How the faults of a cell come about."""

    TRIALS = "trials"
    """One fault, aimed at one moment, again and again."""
    SOAK = "soak"
    """Many faults, drawn by the seed, whatever they hit."""
    EXPERIMENT = "experiment"
    """Workers that strike themselves at one point of a step."""


@dataclass(frozen=True, slots=True)
class CellInfo:
    """One cell: all trials of one (arm, workload, compute, fault); the soak of an arm; or one
    experiment on one arm in one idempotency mode.

    Its records name `id` as their cell. `trials` are the faults that were planned and exist on its
    engine. `predicted` is the engine's own recovery bound for this fault, from its effective
    settings, plus the bench's terms: the wait for a free slot and, where a fault keeps the whole
    arm down, that time and the restart of what it ended. `drain_s` is T, the seconds after the last
    arrival, or after an experiment's fault, at which jobs are judged. `owed_effects` are those that
    every completed job of the cell owes.
    """

    id: str
    arm: str
    engine: str
    profile: str
    workload: str
    compute: str
    fault: str
    """The fault, or the experiment; `soak` for a mix."""
    trials: int
    drain_s: float
    predicted: Bound
    owed_effects: list[str]
    demands: list[str] = field(default_factory=list)
    """What it is held to, e.g. `no_loss`: what its profile promises, and what all are held to."""
    stage: str = ""
    """The part of the scenario that it belongs to, empty for a run with one stage a driver."""
    twin_of: str = ""
    """The cell that it repeats, on the twin of that cell's arm."""
    detection_budget_s: float | None = None
    """How long its engine was allowed to take to notice a dead worker; None in older runs."""
    clock: Clock | None = None
    """What its engine notices a dead worker by; None if not by what follows from the budget."""
    clock_s: float | None = None
    """What the budget leaves for that clock."""
    clock_lag_s: float = 0.0
    """How seldom a sign of life is sent: the clock runs from one that may be so much older."""
    healthy_step_s: float | None = None
    """How long a simulated `generate_image` takes if nothing happens to it; None for a real one."""
    kind: CellKind = CellKind.TRIALS
    duration_s: float = 0.0
    """How long jobs arrived in a soak."""
    rate_per_s: float = 0.0
    """How many jobs arrived in a second of a soak."""
    absent: dict[str, str] = field(default_factory=dict)
    """The faults of a soak that cannot exist on its engine, and why."""
    mode: str = ""
    """The idempotency mode of an experiment."""
    crash_point: str | None = None
    """Where an experiment's workers strike themselves; None if the receiver drops its reply."""
    receiver: str = ""
    """What an experiment's outside world makes of an idempotency key."""
    lease_s: float = 0.0
    """How long a worker that an experiment freezes must have been still, at least."""

    @property
    def place(self) -> str:
        """What its processes name as their arm."""
        return f"{self.arm}/{self.mode}" if self.mode else self.arm


@dataclass(frozen=True, slots=True)
class AbsentCell:
    """A cell that cannot exist, and why."""

    id: str
    why: str
    fault: str
    arm: str


@dataclass(frozen=True, slots=True)
class CapabilityInfo:
    """What each engine can do, as the sources said when the run began.

    `source` is a digest of what the outcome of a row rests on. `run_id` and `started_at` name the
    run of the suite that tried the rows, this one or an earlier one of the same source; without
    one they are None, and no row says whether it passed.
    """

    matrix: Matrix
    source: str
    run_id: str | None = None
    started_at: str | None = None


@dataclass(frozen=True, slots=True)
class ServiceInfo:
    """A server that was measured, with its version and persistence."""

    name: str
    version: str
    persistence: str


@dataclass(frozen=True, slots=True)
class RunInfo:
    """Everything about a run but what happened in it."""

    schema: int
    run_id: str
    command: str
    scenario: str
    """The scenario's TOML text, as it ran."""
    seed: int
    started_at: str
    duration_s: float
    host: dict[str, str]
    versions: dict[str, str]
    git: str
    services: list[ServiceInfo]
    topology: dict[str, str]
    """Equal for every arm: workers, slots, restart delay, detection budget, ..."""
    settings: dict[str, list[EffectiveSetting]]
    """Effective engine settings by arm and part: `celery/hardened (simulated)`."""
    cells: list[CellInfo]
    idempotency: list[CellInfo] = field(default_factory=list)
    absent: list[AbsentCell] = field(default_factory=list)
    capabilities: CapabilityInfo | None = None
    twins: list[CellInfo] = field(default_factory=list)
    """Cells that repeat others to show how alike two arms of a kind come out; none is compared."""
    soak: list[CellInfo] = field(default_factory=list)

    @property
    def is_suite_run(self) -> bool:
        """Whether this run tried the capabilities, and did nothing else."""
        return self.capabilities is not None and self.capabilities.run_id == self.run_id


def split_label(label: str) -> tuple[str, str | None]:
    """Return arm and stage of `celery/hardened (simulated)`; the stage may be absent."""
    arm, _, rest = label.partition(" (")
    return arm, rest.removesuffix(")") or None


def write_run_info(path: Path, info: RunInfo) -> None:
    """Write `run.json`."""
    path.write_bytes(TypeAdapter(RunInfo).dump_json(info, indent=1))


def read_run_info(path: Path) -> RunInfo:
    """Read `run.json`, also one of an earlier version; `ValueError` if it is not one of ours."""
    written = json.loads(path.read_bytes())
    if isinstance(written, dict) and written.get("schema") == 1:
        written = run_info_from_1(written)
    info = TypeAdapter(RunInfo).validate_python(written)
    if info.schema != SCHEMA:
        raise ValueError(f"{path}: schema {info.schema}, this version reads 1 and {SCHEMA}")
    return info
