"""What a fault does to the attempt that it hits, as far as an engine can tell.

An engine does not see who broke what. It sees that a worker ended, took its leave or fell silent,
so faults that look alike have one recovery bound.
"""

from enum import StrEnum


class Harm(StrEnum):
    """What becomes of the attempt that was hit."""

    KILLED = "killed"
    """Its worker is gone without a word."""
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


HARMS: dict[str, Harm] = {
    "sigkill": Harm.KILLED,
    "lost-member": Harm.KILLED,
    "poison": Harm.KILLED,
    "power-cut": Harm.KILLED,
    "child-sigkill": Harm.CHILD_KILLED,
    "sigterm": Harm.STOPPED,
    "sigterm-short": Harm.STOPPED,
    "deploys": Harm.STOPPED,
    "zombie": Harm.SILENT,
    "partition": Harm.SILENT,
    "connection-reset": Harm.DISCONNECTED,
    "server-restart": Harm.DISCONNECTED,
    "server-sigkill": Harm.DISCONNECTED,
    "server-down-at-end": Harm.DISCONNECTED,
    "slow-network": Harm.SLOWED,
    "slow-worker": Harm.SLOWED,
    "over-lease": Harm.SLOWED,
    "clock-step": Harm.SLOWED,
    "database-locked": Harm.UNWRITABLE,
    "disk-full": Harm.UNWRITABLE,
    "retry-over-lease": Harm.UNHARMED,
}
"""By the fault's name; a fault that strikes no attempt of a step is not here."""
