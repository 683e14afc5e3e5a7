"""`run.json`: what was run, where, with which settings; a report needs it and the history only."""

from dataclasses import dataclass, field
from pathlib import Path

from pydantic import TypeAdapter

from bench.record.matrix import Matrix
from shared.domain.jobs import Bound, EffectiveSetting

SCHEMA = 1


@dataclass(frozen=True, slots=True)
class CellInfo:
    """One cell: all trials of one (arm, workload, compute, fault).

    `predicted` is the engine's own recovery bound for this fault, from its effective settings,
    plus the bench's terms: the wait for a free slot and, where no other worker is left, the
    restart of one. `drain_s` is T, the seconds after the last arrival at which jobs are judged.
    `owed_effects` are those that every completed job of the cell owes.
    """

    id: str
    arm: str
    engine: str
    profile: str
    workload: str
    compute: str
    fault: str
    trials: int
    drain_s: float
    predicted: Bound
    owed_effects: list[str]
    demands: list[str] = field(default_factory=list)
    """Verdict rules that this cell must satisfy, e.g. `no_loss`, `no_duplicate_effects`."""
    stage: str = ""
    """The part of the scenario that it belongs to, empty for a run with one stage a driver."""
    twin_of: str = ""
    """The cell that it repeats, on the twin of that cell's arm."""
    detection_budget_s: float | None = None
    """How long its engine was allowed to take to notice a dead worker; None in older runs."""
    healthy_step_s: float | None = None
    """How long a simulated `generate_image` takes if nothing happens to it; None for a real one."""


@dataclass(frozen=True, slots=True)
class ExperimentInfo:
    """All trials of one idempotency experiment on one arm in one mode.

    `id` is also what its operations and final states name as their cell, `place` what its
    processes name as their arm. `crash_point` is None where the receiver drops its reply instead.
    A frozen worker must have been still for `lease_s` at least.
    """

    id: str
    place: str
    arm: str
    engine: str
    profile: str
    mode: str
    experiment: str
    crash_point: str | None
    receiver: str
    trials: int
    lease_s: float
    drain_s: float
    owed_effects: list[str]
    demands: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class SoakInfo:
    """The soak of one arm. `id` is what its records name as their cell.

    `planned` faults were drawn that exist on its engine; `absent` says of the others why not.
    """

    id: str
    arm: str
    engine: str
    profile: str
    duration_s: float
    rate_per_s: float
    drain_s: float
    planned: int
    absent: dict[str, str]
    owed_effects: list[str]
    demands: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class AbsentCell:
    """A cell that cannot exist, and why."""

    id: str
    why: str


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
    """Effective engine settings by arm."""
    cells: list[CellInfo]
    idempotency: list[ExperimentInfo] = field(default_factory=list)
    absent: list[AbsentCell] = field(default_factory=list)
    capabilities: CapabilityInfo | None = None
    twins: list[CellInfo] = field(default_factory=list)
    """Cells that repeat others to show how alike two arms of a kind come out; none is compared."""
    soak: list[SoakInfo] = field(default_factory=list)

    @property
    def is_suite_run(self) -> bool:
        """Whether this run tried the capabilities, and did nothing else."""
        return self.capabilities is not None and self.capabilities.run_id == self.run_id


def write_run_info(path: Path, info: RunInfo) -> None:
    """Write `run.json`."""
    path.write_bytes(TypeAdapter(RunInfo).dump_json(info, indent=1))


def read_run_info(path: Path) -> RunInfo:
    """Read `run.json`; `ValueError` if it is not one of ours."""
    info = TypeAdapter(RunInfo).validate_json(path.read_bytes())
    if info.schema != SCHEMA:
        raise ValueError(f"{path}: schema {info.schema}, this version reads {SCHEMA}")
    return info
