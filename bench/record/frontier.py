"""What a shorter detection budget buys and costs, as `metrics.json` has it."""

from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True, slots=True)
class FrontierPoint:
    """One arm at one budget; counts and seconds are sums over the cell's jobs.

    `repeats` are GPU attempts that began while an earlier one of their step was alive: nobody had
    died. `blocked_s` is how long they kept a worker waiting for the step's lease, `wasted_s` is
    the device time that went into no result.
    """

    arm: str
    fault: str
    budget_s: float
    step_s: float | None
    jobs: int
    recoveries: tuple[float, ...]
    unrecovered: int
    """Hit steps that nobody took up again while they were watched."""
    repeats: int
    duplicate_executions: int
    overlap_s: float
    wasted_s: float
    blocked_s: float
    not_well: int
    """Jobs that failed, were lost, unrecovered or phantoms, or of which too little is known."""

    @property
    def recovery_s(self) -> float | None:
        """The median recovery, None if no step recovered."""
        return median(self.recoveries) if self.recoveries else None

    @property
    def repeats_a_job(self) -> float:
        """Needless repeats a job."""
        return self.repeats / self.jobs

    @property
    def wasted_a_job_s(self) -> float:
        """Seconds a job in which a device computed in vain or its worker waited for a lease."""
        return (self.wasted_s + self.blocked_s) / self.jobs


@dataclass(frozen=True, slots=True)
class Frontier:
    """The points of equally long steps under one fault, arm by arm from the least budget up."""

    step_s: float | None
    points: list[FrontierPoint]

    @property
    def budgets(self) -> set[float]:
        """The budgets that were tried."""
        return {point.budget_s for point in self.points}
