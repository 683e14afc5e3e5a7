"""How arms are ordered and told apart: a hue for the engine, a line style for the profile."""

from collections.abc import Iterable
from dataclasses import dataclass

_PROFILES = ("stock", "tuned", "hardened", "renewed", "rabbitmq", "standalone")
_FAMILIES = ("celery", "temporal")
_SHADES = {"stock": 0, "hardened": 1, "renewed": 2, "standalone": 3, "tuned": 4, "rabbitmq": 3}
"""By profile; a profile of the user's own gets one that is left."""
_DASHES = ("6 4", "", "2 3", "10 3 2 3", "12 4")


@dataclass(frozen=True, slots=True)
class ArmStyle:
    """The CSS class that sets `--arm`, and the dash pattern of the arm's line."""

    css: str
    dash: str


PLAIN = ArmStyle("arm-other-0", "")


def arm_key(arm: str) -> tuple[int, int, str]:
    """Sort key: Celery before Temporal, stock before tuned before hardened, then by name."""
    engine, _, profile = arm.partition("/")
    return _place(engine, _FAMILIES), _place(profile, _PROFILES), arm


def arm_styles(arms: Iterable[str]) -> dict[str, ArmStyle]:
    """Give each arm a style; no two of one engine share shade and dashes (up to five)."""
    styles: dict[str, ArmStyle] = {}
    taken: dict[str, set[int]] = {}
    for arm in sorted(set(arms), key=arm_key):
        engine, _, profile = arm.partition("/")
        family = engine if engine in _FAMILIES else "other"
        used = taken.setdefault(family, set())
        wanted = _SHADES.get(profile)
        every = range(len(_DASHES))
        free = [shade for shade in every if shade not in used] or [len(used) % len(_DASHES)]
        shade = wanted if wanted in free else free[-1]
        used.add(shade)
        styles[arm] = ArmStyle(f"arm-{family}-{shade}", _DASHES[shade])
    return styles


def _place(name: str, known: tuple[str, ...]) -> int:
    return known.index(name) if name in known else len(known)
