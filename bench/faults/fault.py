"""What a fault is: facts about it, and how it strikes, is seen to have struck, and is undone."""

import math
import random
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from bench.arms.engines import ENGINES
from bench.arms.forwarder import Forwarder
from bench.arms.ledger_tail import LedgerTail
from bench.arms.supervisor import Managed
from bench.arms.topology import Role, Stack
from bench.record.history import ClientOp
from shared.domain.impact import Impact
from shared.domain.jobs import IMAGE_GENERATION
from shared.domain.records import AttemptRecord
from shared.domain.status import RecordKind
from shared.policy import GENERATE_IMAGE

START_S = 5.0
"""How long a server or a worker may take to start and to be connected to, on a busy machine."""
NOBODY = AttemptRecord(RecordKind.STARTED, "", "", 0, "", "", 0)
"""The target of a fault that aims at no attempt, until it knows its job."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a fault without running it; `changeover chaos --list` prints it."""

    name: str
    row: int | None
    """Its row in docs/chaos.md, None for one beyond that table."""
    title: str
    role: str
    """What it strikes."""
    moment: str
    heals_by: str
    at: tuple[float, float] = (0.25, 0.75)
    """The share of the aimed step's progress at which to strike, where a scenario names none."""
    step: str = GENERATE_IMAGE
    impact: Impact | None = None
    """What becomes of the attempt that it hits; None if it strikes no attempt of a step."""
    absent: Mapping[str, str] = field(default_factory=dict)
    """Why it cannot exist, by engine."""
    whole_arm: bool = False
    """It disturbs every job of the arm, so that trials follow each other."""
    own_server: bool = False
    """It strikes the arm's server, which no other arm may share."""
    unrecorded: bool = False
    """An attempt can end under it without a record: it cannot write one."""
    links: bool = False
    """It strikes the connection between a worker and its server, which must be ours to cut."""
    places: frozenset[Role] = frozenset()
    """Which processes it can strike whatever they are doing, as a soak does."""
    own_clocks: bool = False
    """It sets a worker's clock, which the worker must have been started for."""
    outlasts_lease: bool = False
    """The step takes longer than the detection budget; nothing is struck."""
    beside_another: bool = False
    """Another member of the aimed step's fan-out must have begun."""
    lone_worker: bool = False
    """What it needs to wait would go to any other GPU worker: an arm may have one only."""
    run_by: str = ""
    """What runs it where no cell can: a shipped scenario."""
    aimed: bool = True
    """It waits for a running attempt to strike; what does not submits jobs of its own."""
    workload: str = IMAGE_GENERATION
    """What the jobs of its cell are. Only image generation has a load beside the faults."""
    env: Mapping[str, str] = field(default_factory=dict)
    """Further `CHANGEOVER_` variables that every process of its stage needs."""
    outage_s: float = 0.0
    """How long it keeps the whole arm from recovering, beside the restart of what it ended."""
    one: str = "fault"
    many: str = "faults"
    """What one of them is called in a report, and several."""
    mark: str = ""
    """What stands on a timeline at its moment; the name where it is empty."""

    @property
    def engines(self) -> list[str]:
        """The engines on which it exists."""
        return [engine for engine in ENGINES if engine not in self.absent]

    @property
    def kills(self) -> bool:
        """Whether the strike ends the attempt that it aims at in the same instant."""
        return self.impact in (Impact.KILLED, Impact.CHILD_KILLED)


@dataclass(slots=True)
class FaultContext:
    """One arm of a cell: all that a fault may touch. `links` are by worker name."""

    cell: str
    stack: Stack
    tail: LedgerTail
    detection_budget_s: float
    server: Managed | None = None
    links: Mapping[str, Forwarder] = field(default_factory=dict)
    ops: list[ClientOp] = field(default_factory=list)
    """What faults did as clients: they are part of the cell's history."""
    bodies: Iterator[dict[str, Any]] = field(default_factory=lambda: iter(()))
    """Requests for jobs that faults submit, drawn by the seed, the same for every arm."""
    rng: random.Random = field(default_factory=lambda: random.Random(0))
    """What faults draw from; seeded, the same for every arm."""
    hold_s: float | None = None
    """How long a fault that lasts does so; None leaves it to the fault."""

    def place(self, name: str) -> Managed:
        """Return the process of this name; `LookupError` if the arm has none to strike."""
        return self.server_of_its_own() if name == Role.SERVER else self.stack.place(name)

    def server_of_its_own(self) -> Managed:
        """Return the arm's server; `LookupError` if it is not this run's to strike."""
        if self.server is None:
            raise LookupError(f"{self.stack.arm.name} has no server of its own in this run")
        return self.server


@dataclass(frozen=True, slots=True)
class Observation:
    """Whether a fault was seen to strike, and what shows it or what is missing."""

    struck: bool
    detail: str = ""


class NotStruck(Exception):
    """Nothing was there to strike, or the strike took no effect."""


class Fault(ABC):
    """One fault of one trial. `inject`, then `observed`, then `hold`, then `heal`, then `healed`.

    It is aimed at an attempt, or at a process whatever that is doing, or at a job of its own.
    `heal` is called in any case, also if `inject` failed or the run is being interrupted.
    """

    facts: ClassVar[Facts]

    def __init__(self, context: FaultContext, target: AttemptRecord) -> None:
        """Aim at the attempt of this record, at its worker alone if it names no attempt, or at
        `NOBODY`."""
        self.context = context
        self.target = target
        self.struck_at = math.inf
        """What `inject` returned."""
        self.detail = ""
        """What was seen to be struck."""
        self.at_work: list[Sequence[AttemptRecord]] = []
        """The attempts that were open in a process that is struck whatever it is doing."""

    @property
    def place(self) -> Managed:
        """The process that it strikes."""
        return self.context.place(self.target.worker)

    @property
    def strikes_a_place(self) -> bool:
        """Whether it strikes a process whatever that is doing."""
        return bool(self.target.worker) and not self.target.attempt_id

    async def strike(self) -> None:
        """Inject, and keep the moment; `NotStruck` or `TimeoutError` if it took no effect."""
        if self.strikes_a_place:
            if self.place.exited():
                raise NotStruck("its process was down")
            self.context.tail.refresh()
            self.at_work = self.context.tail.open_attempts_of(self.place)
        self.struck_at = await self.inject()

    @abstractmethod
    async def inject(self) -> float:
        """Strike; return the moment (CLOCK_MONOTONIC, seconds) at which it did.

        Raises `NotStruck` or `TimeoutError` if the strike did not take effect.
        """

    def observed(self) -> Observation:
        """Say whether the ledger shows that the target was at work when the fault struck.

        Of a process that is struck whatever it is doing, `inject` has seen all there is to see.
        """
        if self.strikes_a_place:
            return Observation(True, self.detail)
        self.context.tail.refresh()
        records = self.context.tail.by_attempt[self.target.attempt_id]
        before = [record for record in records if record.mono_s <= self.struck_at]
        if not before or any(record.kind.ends_attempt for record in before):
            return Observation(False, "the attempt was over before the fault")
        # The kernel delivers SIGKILL at once, so a record made later shows that it went elsewhere.
        if self.facts.kills and len(records) > len(before) + 1:
            return Observation(False, "the attempt went on after it was killed")
        return Observation(True)

    async def hold(self) -> None:
        """Keep it up for as long as it lasts; most are over once they have struck."""
        return

    def heal(self) -> None:
        """Undo it, at once and without waiting; harmless if there is nothing to undo."""
        return

    def healed(self) -> bool:
        """Whether what was struck is at work again."""
        return True
