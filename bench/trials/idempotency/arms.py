"""An arm in one idempotency mode: what is compared."""

from dataclasses import dataclass

from bench.arms.topology import Arm
from bench.scenario.idempotency import IdempotencyPlan
from shared.ports.idempotency import IdempotencyMode


@dataclass(frozen=True, slots=True)
class GuardedArm(Arm):
    """An arm in one idempotency mode: `celery/hardened/fenced`."""

    mode: IdempotencyMode

    @property
    def name(self) -> str:
        """The arm's name and the mode."""
        return f"{self.configuration}/{self.mode}"

    @property
    def slug(self) -> str:
        """The name as a folder or namespace."""
        return self.name.replace("/", "-").replace("_", "-")

    @property
    def namespace(self) -> str:
        """What keeps its jobs apart from all others."""
        return f"idempotency-{self.slug}"


def guarded_arms(plan: IdempotencyPlan) -> list[GuardedArm]:
    """Return every arm of the plan in each of its modes."""
    return [
        GuardedArm(arm.engine, arm.profile, mode) for arm in plan.parsed_arms for mode in plan.modes
    ]
