"""`metrics.json`: the numbers of a run, each computed from its history."""

import json
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from pydantic import TypeAdapter

from bench.record.frontier import Frontier
from bench.record.terms import Term
from bench.record.timeline import Timeline

SCHEMA = 2
MEDIAN_FROM = 3
"""From so many samples on there is a median."""


class Bucket(StrEnum):
    """Every submitted job is in exactly one."""

    REJECTED = "rejected"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"
    PHANTOM = "phantom"
    UNRECOVERED = "unrecovered"
    LOST = "lost"
    UNKNOWN = "unknown"


class Verdict(StrEnum):
    """Composition takes the worst."""

    VALID = "valid"
    UNKNOWN = "unknown"
    INVALID = "invalid"


@dataclass(frozen=True, slots=True)
class Samples:
    """Measured seconds. Median and interval are None where the sample is too small for them.

    `censored` trials never got there within the drain: they count in the survival curve, not in
    the median's sample; the median is None if they are the majority.
    """

    samples: list[float]
    median: float | None
    ci95: tuple[float, float] | None
    censored: int = 0


@dataclass(frozen=True, slots=True)
class Rate:
    """`hits` of `of`, with a 95 % Wilson interval (None of nothing)."""

    hits: int
    of: int
    ci95: tuple[float, float] | None


@dataclass(frozen=True, slots=True)
class Trial:
    """One fault and what became of the step and the job that it hit."""

    trial: str
    job_id: str
    step: str
    confirmed: bool
    bucket: Bucket
    fault_mono_s: float
    recovery_s: float | None
    """From the fault until another attempt was at work."""
    resumption_s: float | None
    completion_penalty_s: float | None
    progress_at_fault: str
    """`done/total` when the fault struck."""
    resumed_from: int | None
    """The step that the next attempt started from, None if there was none."""
    graceful: bool = False
    """The attempt that was hit finished its work all the same: there was nothing to recover."""
    observed_s: float = 0.0
    """From the fault to the last look at the job: how long a recovery could have been seen."""
    nothing_to_recover: bool = False
    """The fault struck no attempt, or the client wanted the attempt to end."""
    handed_out_s: float | None = None
    """From the fault until another attempt had the step; it may then wait for a lease."""
    terms: dict[Term, float] = field(default_factory=dict)
    """What the recovery is the sum of."""
    stopped_s: float | None = None
    """From a cancel to the end of the attempt that it stopped; None if it stopped none."""

    @property
    def cut_off(self) -> bool:
        """Whether the fault left a step that the engine had to recover."""
        return self.confirmed and not self.graceful and not self.nothing_to_recover


@dataclass(frozen=True, slots=True)
class Check:
    """The outcome of one checker on one cell; a checker that crashed is `unknown`."""

    name: str
    verdict: Verdict
    detail: str


@dataclass(frozen=True, slots=True)
class Comparison:
    """One measure of a cell: `text` says what the documentation promises and what was seen."""

    agrees: bool
    text: str


@dataclass(frozen=True, slots=True)
class Documented:
    """What the documentation promises of a cell, with its source, and how it came out."""

    promise: str
    source: str
    seen: bool
    """Whether a fault was confirmed, so that anything can be said."""
    comparisons: list[Comparison]

    @property
    def differences(self) -> list[str]:
        """Each measure that came out otherwise."""
        return [comparison.text for comparison in self.comparisons if not comparison.agrees]

    @property
    def agrees(self) -> bool:
        """Whether nothing differs."""
        return not self.differences


class Notices(StrEnum):
    """What notices a dead worker."""

    LEASE = "lease"
    RENEWED_LEASE = "renewed_lease"
    NOTHING = "nothing"
    """The message is acknowledged before the step begins."""
    HEARTBEAT = "heartbeat"
    LIMIT = "limit"
    """The longest that a healthy step may take."""


@dataclass(frozen=True, slots=True)
class Budget:
    """The setting by which an arm notices a dead worker, beside its longest healthy step."""

    label: str
    """As in the run's settings: the arm, and the stage where they differ by it."""
    arm: str
    setting: str
    value_s: float
    notices: Notices
    longest_step_s: float | None


@dataclass(frozen=True, slots=True)
class HostUse:
    """The share of the processors in use, over the run, from 0 to 1."""

    mean: float
    full: float
    """The share of the run in which at least `full_from` of them were."""
    full_from: float
    stretch: float | None = None
    """How many times longer than alone a worker took for what it computes, on average."""
    fsync_s: float | None = None
    """How long the disk took to make a small write last, the median."""
    stalls: dict[str, float] = field(default_factory=dict)
    """The share of the run in which some process waited, by what it waited for."""
    pauses_s: dict[str, float] = field(default_factory=dict)
    """What held a server up for longest, by server and what the server calls it."""


@dataclass(frozen=True, slots=True)
class SoakFaultMetrics:
    """One kind of fault on one role in a soak.

    `struck` were seen in the process table. `hit` are the attempts that were at work in what they
    struck, by the ledger; `recovery_s` is theirs, censored where no other attempt followed.
    """

    fault: str
    role: str
    tried: int
    struck: int
    kills: int
    """How many of them ended a process without a word."""
    hit: int
    recovery_s: Samples


@dataclass(frozen=True, slots=True)
class CellMetrics:
    """One cell's numbers. Seconds throughout.

    `suppressed_effects` are the repeats that reached the receiver and that it knew by their key: a
    receiver that ignores keys would have applied them too.
    """

    id: str
    arm: str
    engine: str
    profile: str
    workload: str
    compute: str
    fault: str
    trials: int
    faults_confirmed: int
    jobs: int
    buckets: dict[Bucket, int]
    re_executions: int
    duplicate_executions: int
    duplicate_effects: int
    suppressed_effects: int
    overlap_s: float
    recovery_s: Samples
    resumption_s: Samples
    completion_penalty_s: Samples
    predicted_bound_s: float | None
    drain_s: float
    lost_per_fault: Rate
    unrecovered_per_fault: Rate
    device_s: dict[str, float]
    wasted_per_fault_s: dict[str, float]
    goodput: float | None
    accept_latency_s: Samples
    end_to_end_s: Samples
    schedule_lag_s: Samples
    verdict: Verdict
    checks: list[Check]
    trial_list: list[Trial] = field(default_factory=list)
    graceful: int = 0
    """Confirmed faults whose attempt finished all the same; neither samples nor censored."""
    detection_budget_s: float | None = None
    """How long its engine was allowed to take to notice a dead worker; None if nobody said."""
    handed_out_s: Samples = field(default_factory=lambda: Samples([], None, None))
    """From the fault until another attempt had the step: what the predicted bound is about."""
    terms_s: dict[Term, float] = field(default_factory=dict)
    """The mean of each term of the recoveries."""
    terms_said: str = ""
    """The same in a sentence."""
    stuck: int = 0
    """Unrecovered jobs that by their engine cannot go on by themselves."""
    recovered_unknown: int = 0
    """Submits whose outcome the client did not know and whose job was found later."""
    recovery_curve: list[tuple[float, float]] = field(default_factory=list)
    """The survival curve of recovery: (seconds, share not yet recovered)."""
    timelines: list[Timeline] = field(default_factory=list)
    """What became of each trial's job, in the order of the faults; none of a soak."""
    documented: Documented | None = None
    """What the documentation promises of it, None if it promises nothing."""
    kills: int = 0
    """How many faults of a soak ended a process without a word."""
    faults: list[SoakFaultMetrics] = field(default_factory=list)
    """What a soak did, by fault and role."""
    throughput: list[tuple[float, int]] = field(default_factory=list)
    """A soak's completed jobs: (seconds from the first submit, jobs)."""
    every_s: float = 0.0
    """The length of one step of `throughput`, in seconds."""
    mode: str = ""
    """The idempotency mode of an experiment; its name is the `fault`."""
    too_busy: str = ""
    """Why nothing that took its time here can be compared: what the machine was short of."""
    receiver: str = ""
    """What an experiment's outside world made of an idempotency key."""

    @property
    def completed(self) -> int:
        """The jobs that completed."""
        return self.buckets[Bucket.COMPLETED]

    @property
    def phantoms(self) -> int:
        """The jobs that nobody accepted and that ran."""
        return self.buckets[Bucket.PHANTOM]

    @property
    def lost(self) -> int:
        """The accepted jobs that the engine no longer held."""
        return self.buckets[Bucket.LOST]

    @property
    def unrecovered(self) -> int:
        """The accepted jobs that the engine held, and that were not over in time."""
        return self.buckets[Bucket.UNRECOVERED]


@dataclass(frozen=True, slots=True)
class TwinMetrics:
    """A cell that ran a second time on its arm's twin, and whether the two came out alike.

    `twin` has the second one's numbers; the first is among the run's cells by its id, `of`.
    """

    of: str
    twin: CellMetrics
    checks: list[Check]


@dataclass(frozen=True, slots=True)
class Metrics:
    """All cells and idempotency experiments of one run, and the composed verdict."""

    schema: int
    run_id: str
    verdict: Verdict
    answer: list[str]
    """The answer to the run's question, in two sentences computed from what was measured."""
    cells: list[CellMetrics]
    idempotency: list[CellMetrics] = field(default_factory=list)
    twins: list[TwinMetrics] = field(default_factory=list)
    soak: list[CellMetrics] = field(default_factory=list)
    frontier: list[Frontier] = field(default_factory=list)
    """What shorter budgets bought and cost, where three or more were tried."""
    budgets: list[Budget] = field(default_factory=list)
    as_documented: Rate | None = None
    """How many cells came out as the documentation promises, of those of which it can be said."""
    host: HostUse | None = None
    sentences: dict[str, list[str]] = field(default_factory=dict)
    """What each part of the run says in a sentence or two."""

    @property
    def judged(self) -> list[CellMetrics]:
        """Everything that has a verdict of its own."""
        return [*self.cells, *self.soak, *self.idempotency]


def write_metrics(path: Path, metrics: Metrics) -> None:
    """Write `metrics.json`."""
    path.write_bytes(TypeAdapter(Metrics).dump_json(metrics, indent=1))


def read_metrics(path: Path) -> Metrics:
    """Read `metrics.json`; `ValueError` if it is not one of this version."""
    written = json.loads(path.read_bytes())
    schema = written.get("schema") if isinstance(written, dict) else None
    if schema != SCHEMA:
        raise ValueError(
            f"{path}: schema {schema}, this version reads {SCHEMA}; from run.json and"
            " history.jsonl beside it, `changeover report` writes it anew"
        )
    return TypeAdapter(Metrics).validate_python(written)
