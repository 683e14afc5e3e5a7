"""What the load process is told: one JSON file, readable before Locust is imported."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

Arrivals = Literal["poisson", "even"]
"""`poisson`: exponential gaps; `even`: the mean gap, a quarter more or less."""

PLAN_VARIABLE = "CHANGEOVER_LOAD_PLAN"

COLOURS = ("red", "green", "blue", "yellow", "purple", "orange", "white", "black")
SHAPES = ("circle", "square", "triangle")


@dataclass(frozen=True, slots=True)
class LoadPlan:
    """One cell's load. The seed decides arrivals and requests, so that all arms get the same."""

    cell: str
    key_prefix: str
    """Makes the idempotency keys of this run and cell unique."""
    out: str
    """Where to append client operations, one JSON object a line."""
    seed: int
    rate_per_s: float
    arrivals: Arrivals
    delay_s: float
    """How much later than the cell begins the schedule begins."""
    n: list[int]
    steps: int
    width: int
    height: int


def write_plan(path: Path, plan: LoadPlan) -> None:
    """Write the plan where the load process will look for it."""
    path.write_text(json.dumps(asdict(plan)))


def read_plan(path: Path) -> LoadPlan:
    """Read a plan."""
    return LoadPlan(**json.loads(path.read_text()))
