"""Which fault strikes what, and when: drawn by the seed, the same for every arm."""

import random
from dataclasses import dataclass

from bench.arms.engines import ENGINES, recovers
from bench.arms.topology import Arm, Role
from bench.faults.registry import FAULTS
from bench.scenario.soak import SoakPlan

_NOTHING_SCHEDULED = "nothing that its jobs need is scheduled: it has no such process"


@dataclass(frozen=True, slots=True)
class PlannedFault:
    """One fault: `at_s` seconds from the beginning, on place `index` of its role."""

    number: int
    at_s: float
    fault: str
    role: Role
    index: int

    @property
    def place(self) -> str:
        """The name of the process that it strikes."""
        return f"{self.role}-{self.index}" if self.role in (Role.GPU, Role.CPU) else self.role


def schedule(plan: SoakPlan, seed: int) -> list[PlannedFault]:
    """Draw the faults of a whole soak, in the order of time."""
    rng = random.Random(f"soak:{seed}")
    weights = [entry.weight for entry in plan.mix]
    planned: list[PlannedFault] = []
    at_s = 0.0
    while (at_s := at_s + rng.expovariate(1 / plan.mean_gap_s)) < plan.duration_s - plan.quiet_s:
        (entry,) = rng.choices(plan.mix, weights)
        index = rng.randrange(plan.places(entry.role))
        planned.append(PlannedFault(len(planned) + 1, at_s, entry.fault, entry.role, index))
    return planned


def absent(arm: Arm, planned: PlannedFault) -> str | None:
    """Say why a fault cannot exist on an arm, None if it can."""
    engine = ENGINES[arm.engine]
    if planned.role is Role.BEAT:
        if not engine.scheduler:
            return engine.no_scheduler
        if not recovers(arm.engine, arm.profile):
            return _NOTHING_SCHEDULED
    return FAULTS[planned.fault].facts.absent.get(arm.engine)
