"""What a fault does to the attempt that it hits, as far as an engine can tell.

An engine does not see who broke what. It sees that a worker ended, took its leave or fell silent,
so faults that look alike have one recovery bound.
"""

from enum import StrEnum


class Impact(StrEnum):
    """What becomes of the attempt that was hit."""

    KILLED = "killed"
    """Its worker is gone without a word."""
    CPU_KILLED = "cpu_killed"
    """The same, of a step on the CPU, which reports no progress."""
    KEEPER_KILLED = "keeper_killed"
    """It goes on, and the process that would begin the step after it is gone without a word."""
    PARKED = "parked"
    """Nobody has begun it; the worker that would have been next to, busy with a retry, is gone."""
    CHILD_KILLED = "child_killed"
    """The process that computes is gone, and the worker that started it is not."""
    STOPPED = "stopped"
    """Its worker was told to stop and has a grace to do so in."""
    SILENT = "silent"
    """It is alive, and its engine hears nothing of it for longer than the detection budget."""
    DISCONNECTED = "disconnected"
    """It goes on; its worker or its engine's server is back within moments."""
    SLOWED = "slowed"
    """It goes on, and takes longer than it should."""
    UNWRITABLE = "unwritable"
    """What it writes to takes nothing: it fails, or waits until that is over."""
    UNHARMED = "unharmed"
    """Nothing happens to it; another step of its job is refused by the outside world."""
