"""How many arms of a stage run at once: as many as the machine carries, the others in turn."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from typing import TypeVar

from bench.arms.fitness import Fitness
from bench.arms.topology import Arm
from bench.scenario.model import Stage

T = TypeVar("T")

CORES_AN_ARM = {"simulated": 0.2, "diffusers": 0.2}
"""What an arm of the default suite takes of a processor, the load and the servers included.

Measured there, on 2 cores: 7 simulated arms 0.66 of them, 5 with the real pipeline 0.43.
"""
FILLED_TO = 0.9
"""Up to this share of what is free; beyond it, arms would wait for each other."""


@dataclass(frozen=True, slots=True)
class Blocks:
    """The arms of a stage in the order in which they run, those side by side together, and why."""

    arms: Sequence[Sequence[Arm]]
    why: str

    def __str__(self) -> str:
        return "; in turn with ".join(
            ", ".join(arm.name for arm in block) for block in self.arms
        ) + (f" ({self.why})" if self.why else "")


def blocks(stage: Stage, fitness: Fitness | None, at_once: int | None = None) -> Blocks:
    """Return who runs beside whom: all, where they fit; else the same profile of both engines.

    Whoever is compared first stands side by side longest: what disturbs one disturbs the other.
    `at_once` is the user's own number.
    """
    every = stage.parsed_arms
    if at_once is not None:
        number, why = at_once, "as asked for"
    elif fitness is None:
        number, why = len(every), ""
    else:
        need = CORES_AN_ARM[stage.compute] * fitness.slowness
        number, why = max(1, int(fitness.free_cores * FILLED_TO / need)), str(fitness)
    if number >= len(every):
        return Blocks([every], why)
    # As few blocks as there can be, and those of about one size.
    number = ceil(len(every) / ceil(len(every) / number))
    return Blocks(_packed(_kept_together(stage), number), why)


def in_turn(blocks: Sequence[T], index: int) -> Sequence[T]:
    """Return the blocks in the order in which they run a stage's cell of this index, from 0."""
    return blocks if index % 2 == 0 else blocks[::-1]


def _kept_together(stage: Stage) -> list[list[Arm]]:
    """Return the arms by what they are compared with: a twin by its arm, others by profile."""
    groups: dict[str, list[Arm]] = {}
    for arm in stage.parsed_arms:
        groups.setdefault(arm.configuration if stage.twins else arm.profile, []).append(arm)
    return list(groups.values())


def _packed(groups: Sequence[Sequence[Arm]], size: int) -> list[list[Arm]]:
    """Fill blocks in order; a group that is larger than a block is split."""
    packed: list[list[Arm]] = []
    for group in groups:
        for part in (group[at : at + size] for at in range(0, len(group), size)):
            if packed and len(packed[-1]) + len(part) <= size:
                packed[-1] += part
            else:
                packed.append(list(part))
    return packed
