"""What the load process is told: one JSON file, readable before Locust is imported.

A plan is one arm's; the file holds one, or a list of them.
"""

import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

Arrivals = Literal["poisson", "even"]
"""`poisson`: exponential gaps; `even`: the mean gap, a quarter more or less."""

ANSWER_LIMIT_S = 5.0
"""How long a client waits for an answer."""

USERS = 100
"""Users an arm: more than jobs can be in flight, so that none holds up an arrival."""

PLAN_VARIABLE = "CHANGEOVER_LOAD_PLAN"

COLOURS = ("red", "green", "blue", "yellow", "purple", "orange", "white", "black")
SHAPES = ("circle", "square", "triangle")


@dataclass(frozen=True, slots=True)
class LoadPlan:
    """One cell's load on one arm. The seed decides it, so that all arms get the same."""

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
    url: str = ""
    """The facade's address; empty for the one that Locust is given as its host."""


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


def write_plans(path: Path, plans: Sequence[LoadPlan]) -> None:
    """Write the plans where the load process will look for them."""
    path.write_text(json.dumps([asdict(plan) for plan in plans]))


def read_plans(path: Path) -> list[LoadPlan]:
    """Read plans, or one."""
    found = json.loads(path.read_text())
    return [LoadPlan(**plan) for plan in (found if isinstance(found, list) else [found])]
