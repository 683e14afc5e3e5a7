"""The templates' environment: undefined names fail, and all text is escaped in HTML."""

from collections.abc import Mapping

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from bench.record.metrics import Verdict
from bench.report import format as fmt
from bench.report.facts import facts
from bench.report.glossary import GLOSSARY
from bench.report.limits import DEV_SERVER, dev_server, limits
from bench.report.measures import VERDICT_MARKS
from bench.report.svg import element
from bench.report.words import plural


def environment() -> Environment:
    """Return an environment with what both documents need."""
    env = Environment(
        loader=PackageLoader("bench.report"),
        autoescape=lambda name: name is not None and ".html" in name,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    env.globals.update(
        Verdict=Verdict,
        dev_server=dev_server,
        dev_server_says=DEV_SERVER,
        facts=facts,
        fmt=fmt,
        glossary=GLOSSARY,
        limits=limits,
        marks=VERDICT_MARKS,
        pairs=_pairs,
        plural=plural,
    )
    env.filters["code"] = _code
    env.filters["unbroken"] = _unbroken
    return env


def _unbroken(text: str) -> Markup:
    """Let a line break only at its spaces; a browser would also break `84-100 %` at its dash."""
    words = (element("span", word, class_="word") for word in text.split(" "))
    return Markup(" ").join(words)


def _code(text: str) -> Markup:
    """Set what stands between backticks as code; the rest stays text."""
    parts = text.split("`")
    return Markup().join(
        element("code", part) if place % 2 else escape(part) for place, part in enumerate(parts)
    )


def _pairs(values: Mapping[str, str]) -> Markup:
    """A two-column table of names and values."""
    rows = [
        element("tr", element("th", _words(name), scope="row"), element("td", value))
        for name, value in values.items()
    ]
    table = element("table", element("tbody", *rows), class_="pairs")
    return element("div", table, class_="scroll") if rows else element("p", "Not recorded.")


def _words(name: str) -> str:
    """`stop_grace_s` as `stop grace (s)`."""
    unit = " (s)" if name.endswith("_s") else ""
    return name.removesuffix("_s").replace("_", " ") + unit
