"""The words of the report: what a fault, a compute driver and a cause are called."""

from dataclasses import dataclass

from bench.faults.registry import FAULTS

CONTROLS = frozenset({"none", "control", ""})


@dataclass(frozen=True, slots=True)
class FaultWords:
    """How one kind of fault is spoken of."""

    title: str
    one: str
    many: str
    mark: str
    """What stands on a timeline at the moment of the fault."""


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
    if fault not in FAULTS:
        return FaultWords(f"Fault: {fault}", "fault", "faults", fault)
    facts = FAULTS[fault].facts
    return FaultWords(facts.title, facts.one, facts.many, facts.mark or facts.name)


def fault_key(fault: str) -> tuple[int, str]:
    """Sort key: the registry's order, then the name."""
    known = list(FAULTS)
    return known.index(fault) if fault in known else len(known), fault


def compute_words(compute: str) -> str:
    """Return the name of a compute driver in prose."""
    return _COMPUTE.get(compute, compute)


def cause_words(cause: str) -> str:
    """Return the name of a cause of device time."""
    return _CAUSES.get(cause, cause)


def plural(number: int, one: str, many: str | None = None) -> str:
    """`1 kill`, `3 kills`."""
    return f"{number} {one if number == 1 else many or one + 's'}"
