"""What a recovery is the sum of, as `metrics.json` has it."""

from enum import StrEnum


class Term(StrEnum):
    """One part of the time from a fault to the next attempt at work, in the order of time."""

    CLOCK = "clock"
    """What was left, at the fault, of the time after which silence counts as death."""
    HANDING_OUT = "handing_out"
    """The engine's own time after that: the next sweep, or the backoff and the server's timers."""
    QUEUE = "queue"
    """Every worker was busy with another step."""
    START = "start"
    """No worker was free, and one was down or loading its model."""
    LEASE = "lease"
    """The next attempt had the step and waited for the dead one's lease."""
