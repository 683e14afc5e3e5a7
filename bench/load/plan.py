"""What the load process is told: one JSON file, readable before Locust is imported."""

import json
import random
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

Arrivals = Literal["poisson", "even"]
"""`poisson`: exponential gaps; `even`: the mean gap, a quarter more or less."""

ANSWER_LIMIT_S = 5.0
"""How long a client waits for an answer."""

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
    follow_first_s: float = 0.3
    """How long after its acceptance a client first looks at a job."""
    follow_most_s: float = 2.0
    """The longest between two looks; each wait is a third longer than the one before."""


def image_bodies(
    rng: random.Random, *, n: list[int], steps: int, width: int, height: int
) -> Iterator[dict[str, Any]]:
    """Draw bodies of image jobs for ever."""
    while True:
        colour, ground = rng.sample(COLOURS, 2)
        yield {
            "prompt": f"a {colour} {rng.choice(SHAPES)} on a {ground} background",
            "user_id": f"user-{rng.randrange(100)}",
            "n": rng.choice(n),
            "steps": steps,
            "seed": rng.randrange(2**31 - 8),
            "width": width,
            "height": height,
        }


def write_plan(path: Path, plan: LoadPlan) -> None:
    """Write the plan where the load process will look for it."""
    path.write_text(json.dumps(asdict(plan)))


def read_plan(path: Path) -> LoadPlan:
    """Read a plan."""
    return LoadPlan(**json.loads(path.read_text()))
