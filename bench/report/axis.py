"""Round numbers for an axis."""

import math

_STEPS = (1.0, 2.0, 5.0, 10.0)


def ticks(low: float, high: float, about: int = 5) -> list[float]:
    """Return round values within `low..high`, about so many; at least `[low]` if they are equal."""
    if high <= low:
        return [low]
    raw = (high - low) / about
    power: float = 10.0 ** math.floor(math.log10(raw))
    step = next(factor * power for factor in _STEPS if factor * power >= raw * 0.999)
    first = math.ceil(low / step - 1e-9)
    last = math.floor(high / step + 1e-9)
    return [round(place * step, 9) for place in range(first, last + 1)]


def label(value: float) -> str:
    """`0`, `2.5`, `20`: an axis value without trailing zeros, with a true minus."""
    text = f"{abs(value):.3f}".rstrip("0").rstrip(".")
    return "\u2212" + text if value < 0 else text
