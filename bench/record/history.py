"""What happened in a run, one JSON object a line: the only source of every number in a report.

Times: `wall_s` in Unix seconds, `mono_s` in seconds of the host's CLOCK_MONOTONIC.
"""

import json
import time
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field, fields
from enum import StrEnum
from pathlib import Path
from typing import Any, Self

from pydantic import TypeAdapter

from bench.record.earlier import fault_from_1, final_from_1
from shared.domain.records import AttemptRecord, EffectRecord

MODEL_LOADED = "model_loaded"
"""`ProcessEvent.phase` of a worker that has loaded its model."""


class OpPhase(StrEnum):
    """How far a client operation is known to have got."""

    INVOKE = "invoke"
    OK = "ok"
    FAIL = "fail"
    """It certainly did not happen (a 4xx or 503 answer)."""
    INFO = "info"
    """The outcome is not known (a time-out or a reset)."""


@dataclass(frozen=True, slots=True)
class ClientOp:
    """One record of a client operation; `op_id` joins an invocation with its outcome.

    `intended_mono_s` is when the arrival schedule wanted it sent; latency counts from there.
    `status` on a `follow` record is the job's status as the client last saw it.
    """

    cell: str
    op: str
    phase: OpPhase
    op_id: str
    wall_s: float
    mono_s: float
    intended_mono_s: float | None = None
    job_id: str | None = None
    status: str | None = None
    http_status: int | None = None
    detail: str = ""
    key: str | None = None
    """The `Idempotency-Key` of a submit."""


class FaultPhase(StrEnum):
    """The life of one fault."""

    INJECTED = "injected"
    CONFIRMED = "confirmed"
    """The ledger shows that it hit what it aimed at."""
    MISSED = "missed"
    """It did not hit; its trial is unknown."""
    HEALED = "healed"


@dataclass(frozen=True, slots=True)
class FaultEvent:
    """One step in the life of one fault, aimed at one attempt of one job, or at a process.

    `role` is the role of a process that was struck whatever it was doing; an attempt that it was at
    work on has a trial of its own, `part_of` that of the process.
    """

    trial: str
    cell: str
    fault: str
    phase: FaultPhase
    job_id: str
    step: str
    attempt_id: str
    worker: str
    pid: int
    wall_s: float
    mono_s: float
    done: int = 0
    total: int = 0
    detail: str = ""
    role: str = ""
    part_of: str = ""

    @classmethod
    def of(
        cls,
        hit: AttemptRecord,
        *,
        trial: str,
        cell: str,
        fault: str,
        phase: FaultPhase,
        mono_s: float,
        detail: str = "",
        role: str = "",
        part_of: str = "",
    ) -> Self:
        """Return an event of the fault that hit the attempt of this record, at this moment."""
        return cls(
            trial=trial,
            cell=cell,
            fault=fault,
            phase=phase,
            job_id=hit.job_id,
            step=hit.step,
            attempt_id=hit.attempt_id,
            worker=hit.worker,
            pid=hit.pid,
            wall_s=time.time() - (time.monotonic() - mono_s),
            mono_s=mono_s,
            done=hit.done,
            total=hit.total,
            detail=detail,
            role=role,
            part_of=part_of,
        )


@dataclass(frozen=True, slots=True)
class ProcessEvent:
    """A process of the run was started, became ready, or ended."""

    arm: str
    name: str
    role: str
    pid: int
    phase: str
    wall_s: float
    mono_s: float
    detail: str = ""

    @classmethod
    def of_load(cls, load: AttemptRecord, arm: str) -> Self:
        """Return the event of a model that was loaded.

        Worker names repeat from arm to arm, and a pool's child has no event of its own.
        """
        return cls(
            arm=arm,
            name=load.worker,
            role="gpu",
            pid=load.pid,
            phase=MODEL_LOADED,
            wall_s=load.wall_s,
            mono_s=load.mono_s,
            detail=load.detail,
        )


@dataclass(frozen=True, slots=True)
class FinalState:
    """What the facade said of a job when the cell's drain was over.

    `held`, `where`, `due_in_s` and `closed` are the engine's trace, asked only of jobs that were
    not terminal. `readable` is whether every artifact that the job promises could be fetched and
    matched its checksum; None for a job without a result, and where that could not be asked.
    `stuck` is the trace's word for a job that is held and cannot go on by itself.
    """

    cell: str
    job_id: str
    status: str | None
    error: str | None
    readable: bool | None
    held: bool | None
    where: str
    due_in_s: float | None
    wall_s: float
    mono_s: float
    stuck: bool = False
    closed: bool = False


@dataclass(frozen=True, slots=True)
class HostSample:
    """The machine since the sample before. None is what nobody could tell."""

    busy: float
    """The share of all processors in use, from 0 to 1."""
    wall_s: float
    mono_s: float
    stretch: float | None = None
    """How many times longer than alone a worker takes for what it computes."""
    fsync_s: float | None = None
    """How long the disk takes to make a small write last."""
    cpu_stall: float | None = None
    """The share of the time in which some process waited for a processor, from 0 to 1."""
    io_stall: float | None = None
    """The same for the disk."""
    memory_stall: float | None = None
    """The same for memory."""


@dataclass(frozen=True, slots=True)
class Distress:
    """How often a server complained, since the look before, that it was too slow for itself.

    `arm` is empty for a server that several arms share.
    """

    arm: str
    server: str
    complaints: int
    wall_s: float
    mono_s: float


@dataclass(frozen=True, slots=True)
class ServerPause:
    """Something that held a server up for longer than it is asked to overlook, by its own word.

    `wall_s` in whole seconds, by the server; `mono_s` when it was asked. In one second the longest
    counts: it may have been seen growing.
    """

    arm: str
    server: str
    event: str
    """What the server calls it, as `aof-fsync-always`."""
    pause_s: float
    wall_s: float
    mono_s: float


@dataclass(slots=True)
class History:
    """A run's records, each list in order of time."""

    ops: list[ClientOp] = field(default_factory=list)
    attempts: list[AttemptRecord] = field(default_factory=list)
    effects: list[EffectRecord] = field(default_factory=list)
    faults: list[FaultEvent] = field(default_factory=list)
    processes: list[ProcessEvent] = field(default_factory=list)
    finals: list[FinalState] = field(default_factory=list)
    host: list[HostSample] = field(default_factory=list)
    distress: list[Distress] = field(default_factory=list)
    pauses: list[ServerPause] = field(default_factory=list)


def merged(histories: Iterable[History]) -> History:
    """Return all records of some parts of a run."""
    whole = History()
    for part in histories:
        for name in (each.name for each in fields(History)):
            getattr(whole, name).extend(getattr(part, name))
    return whole


# Built once: building an adapter costs some hundred times what validating a record does.
_KINDS: dict[str, tuple[str, TypeAdapter[Any]]] = {
    "op": ("ops", TypeAdapter(ClientOp)),
    "attempt": ("attempts", TypeAdapter(AttemptRecord)),
    "effect": ("effects", TypeAdapter(EffectRecord)),
    "fault": ("faults", TypeAdapter(FaultEvent)),
    "process": ("processes", TypeAdapter(ProcessEvent)),
    "final": ("finals", TypeAdapter(FinalState)),
    "host": ("host", TypeAdapter(HostSample)),
    "distress": ("distress", TypeAdapter(Distress)),
    "pause": ("pauses", TypeAdapter(ServerPause)),
}


def write_history(path: Path, history: History) -> None:
    """Write all records as JSON lines, merged by monotonic time."""
    rows = [
        {"type": kind, **asdict(record)}
        for kind, (name, _) in _KINDS.items()
        for record in getattr(history, name)
    ]
    rows.sort(key=lambda row: row["mono_s"])
    with path.open("w") as out:
        out.writelines(json.dumps(row) + "\n" for row in rows)


def read_history(path: Path) -> History:
    """Read what `write_history` wrote; `ValueError` names a bad line by its number."""
    history = History()
    earlier = {"fault": fault_from_1, "final": final_from_1}
    with path.open() as lines:
        for number, row in _rows(path, lines):
            try:
                kind = row.pop("type")
                name, adapter = _KINDS[kind]
                row = earlier[kind](row) if kind in earlier else row
                getattr(history, name).append(adapter.validate_python(row))
            except (KeyError, ValueError) as error:
                raise ValueError(f"{path.name}:{number}: {error}") from None
    return history


def _rows(path: Path, lines: Iterable[str]) -> Iterator[tuple[int, dict[str, Any]]]:
    for number, line in enumerate(lines, start=1):
        try:
            row = json.loads(line)
        except json.JSONDecodeError as error:
            raise ValueError(f"{path.name}:{number}: {error}") from None
        yield number, row
