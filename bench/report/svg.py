"""A small SVG builder: elements as escaped markup.

Charts have no view box: across they are laid out in per cent and down in pixels, so that they
fill any width while their text keeps its size.
"""

import math
from collections.abc import Callable, Iterable

from markupsafe import Markup, escape

Attribute = str | float | int | None

_STEPS = (1.0, 2.0, 5.0, 10.0)


def element(name: str, *children: str, **attributes: Attribute) -> Markup:
    """Return `<name ...>children</name>`; children are escaped unless they are markup.

    `stroke_width=2` becomes `stroke-width="2"`, `class_` becomes `class`; None is left out.
    """
    head = "".join(
        f' {_name(key)}="{escape(_value(value))}"'
        for key, value in attributes.items()
        if value is not None
    )
    body = "".join(escape(child) for child in children)
    return Markup(f"<{name}{head}>{body}</{name}>" if body else f"<{name}{head}/>")


def plot(*lines: str, units: int, height: int) -> Markup:
    """Return lines drawn in `units` across and pixels down, stretched over the chart's width."""
    return element(
        "svg",
        *lines,
        width="100%",
        height=height,
        viewBox=f"0 0 {units} {height}",
        preserveAspectRatio="none",
        overflow="visible",
    )


def chart(
    title: str, *parts: str, height: float, described: str = "", css: str | None = None
) -> Markup:
    """Return a whole chart of this height, which says what it shows to who cannot see it."""
    desc = [element("desc", described)] if described else []
    return element(
        "svg",
        element("title", title),
        *desc,
        *parts,
        role="img",
        width="100%",
        height=height,
        overflow="visible",
        class_=css,
    )


def levels(
    values: Iterable[float], y: Callable[[float], float], word: Callable[[float], str]
) -> Markup:
    """Return a line across at each value, with its word on the left."""
    parts: list[Markup] = []
    for value in values:
        at = y(value)
        parts.append(element("line", x1="0", x2="100%", y1=at, y2=at, class_="grid"))
        parts.append(element("text", word(value), x=-8, y=at + 4, text_anchor="end", class_="tick"))
    return element("g", *parts)


def uprights(
    values: Iterable[float],
    x: Callable[[float], str],
    word: Callable[[float], str],
    *,
    from_y: float,
    to_y: float,
    word_y: float,
) -> Markup:
    """Return a line down at each value, with its word at a height of its own; none if it has no
    length."""
    parts: list[Markup] = []
    for value in values:
        at = x(value)
        if from_y != to_y:
            parts.append(element("line", x1=at, x2=at, y1=from_y, y2=to_y, class_="grid"))
        text = word(value)
        parts.append(element("text", text, x=at, y=word_y, text_anchor="middle", class_="tick"))
    return element("g", *parts)


def curve(path: str, css: str, dash: str) -> Markup:
    """Return a line of an arm's hue and dashes, as thick however far it is stretched."""
    return element(
        "path",
        d=path,
        class_=css,
        stroke_dasharray=dash or None,
        vector_effect="non-scaling-stroke",
    )


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


def percent(part: float, whole: float) -> str:
    """Return where `part` lies in `whole`, as a percentage for an x or a width."""
    return f"{_short(100 * part / whole if whole else 0)}%"


def _name(key: str) -> str:
    return key.rstrip("_").replace("_", "-")


def _value(value: Attribute) -> str:
    return _short(value) if isinstance(value, float) else str(value)


def _short(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".")
