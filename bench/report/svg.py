"""A small SVG builder: elements as escaped markup.

Charts have no view box: across they are laid out in per cent and down in pixels, so that they
fill any width while their text keeps its size.
"""

from markupsafe import Markup, escape

Attribute = str | float | int | None


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


def percent(part: float, whole: float) -> str:
    """Return where `part` lies in `whole`, as a percentage for an x or a width."""
    return f"{_short(100 * part / whole if whole else 0)}%"


def _name(key: str) -> str:
    return key.rstrip("_").replace("_", "-")


def _value(value: Attribute) -> str:
    return _short(value) if isinstance(value, float) else str(value)


def _short(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".")
