"""How an arm notices a dead worker: which clock runs out, and what of the budget is left for it."""

from dataclasses import dataclass
from enum import StrEnum


class Clock(StrEnum):
    """What the time runs from after which a silent worker's step is handed out again."""

    DELIVERY = "delivery"
    """The message's: it runs while the step runs, so a healthy step must be over before."""
    RENEWAL = "renewal"
    """The last renewal of the message's lease, which comes of itself while the worker lives."""
    CONNECTION = "connection"
    """The last sign of life on the worker's connection, which is sent whatever the worker does. A
    process that dies ends its connection, and nothing has to run out."""
    PROGRESS = "progress"
    """The last report of progress: a healthy step must not be silent for longer."""


@dataclass(frozen=True, slots=True)
class Detection:
    """What a profile makes of a detection budget. Seconds."""

    clock: Clock
    timeout_s: float
    """What is left of the budget for the clock."""
    lag_s: float
    """How much later than it happens a sign of life may reach the server."""
    reason: str
    """What the rest of the budget is for."""

    @property
    def possible(self) -> bool:
        """Whether the budget leaves the clock more than the lag of what it waits for."""
        return self.timeout_s > self.lag_s
