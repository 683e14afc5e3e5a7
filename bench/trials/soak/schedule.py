"""Which fault strikes what, and when: drawn by the seed, the same for every arm."""

import random
from dataclasses import dataclass

from bench.arms.topology import Arm, recovers
from bench.scenario.soak import Role, SoakFault, SoakPlan

_CHILDLESS = "a worker computes in its own process, in threads: it has no child"
_CLOCKLESS = "the server keeps schedules itself: there is no clock"
_TIMELESS = "nothing that its jobs need is done by the clock: there is none"


@dataclass(frozen=True, slots=True)
class Strike:
    """One fault: `at_s` seconds from the beginning, on place `index` of its role."""

    number: int
    at_s: float
    fault: SoakFault
    role: Role
    index: int


def schedule(plan: SoakPlan, seed: int) -> list[Strike]:
    """Draw the faults of a whole soak, in the order of time."""
    rng = random.Random(f"soak:{seed}")
    weights = [entry.weight for entry in plan.mix]
    strikes: list[Strike] = []
    at_s = 0.0
    while (at_s := at_s + rng.expovariate(1 / plan.mean_gap_s)) < plan.duration_s - plan.quiet_s:
        (entry,) = rng.choices(plan.mix, weights)
        index = rng.randrange(plan.places(entry.role))
        strikes.append(Strike(len(strikes) + 1, at_s, entry.fault, entry.role, index))
    return strikes


def absent(arm: Arm, strike: Strike) -> str | None:
    """Say why a fault cannot exist on an arm, None if it can."""
    if arm.engine == "celery":
        return _TIMELESS if strike.role is Role.BEAT and not recovers(arm) else None
    if strike.fault is SoakFault.CHILD_SIGKILL:
        return _CHILDLESS
    return _CLOCKLESS if strike.role is Role.BEAT else None
