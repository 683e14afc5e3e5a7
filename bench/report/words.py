"""The words of the report: what a fault, a compute driver and a cause are called."""

from dataclasses import dataclass

CONTROLS = frozenset({"none", "control", ""})


@dataclass(frozen=True, slots=True)
class FaultWords:
    """How one kind of fault is spoken of."""

    title: str
    one: str
    many: str
    mark: str
    """What stands on a timeline at the moment of the fault."""


_FAULTS = {
    "sigkill": FaultWords("Worker killed (SIGKILL)", "kill", "kills", "SIGKILL"),
    "sigterm": FaultWords("Worker told to stop (SIGTERM)", "stop", "stops", "SIGTERM"),
}

_COMPUTE = {
    "simulated": "simulated GPU",
    "diffusers": "real diffusers pipeline",
}

_CAUSES = {
    "useful": "useful",
    "redone": "redone",
    "duplicate": "finished twice",
    "zombie": "after being superseded",
    "lost_work": "lost work",
    "reload": "model reload",
}


def is_control(fault: str) -> bool:
    """Whether a cell was left alone."""
    return fault in CONTROLS


def fault_words(fault: str) -> FaultWords:
    """Return how to speak of a fault, also of one unknown to this page."""
    return _FAULTS.get(fault, FaultWords(f"Fault: {fault}", "fault", "faults", fault))


def compute_words(compute: str) -> str:
    """Return the name of a compute driver in prose."""
    return _COMPUTE.get(compute, compute)


def cause_words(cause: str) -> str:
    """Return the name of a cause of device time."""
    return _CAUSES.get(cause, cause)


def plural(number: int, one: str, many: str | None = None) -> str:
    """`1 kill`, `3 kills`."""
    return f"{number} {one if number == 1 else many or one + 's'}"
