"""What one part of a report is: when it is there, and how it is drawn in each form."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from jinja2 import Environment
from rich.console import Console

Drawn = Callable[[Environment, Any, Any], str]
"""From environment, page and content to text; on the page it is markup, so that text is escaped."""


@dataclass(frozen=True, slots=True)
class Part:
    """One part; `bench.report.parts` has all of them, in their order."""

    id: str
    """Its anchor on the page."""
    link: Callable[[Any], str]
    """What leads to it in the contents."""
    content: Callable[[Any], Any]
    """What it shows of a page; nothing if the run has nothing of the kind."""
    html: Drawn
    markdown: Drawn | None = None
    terminal: Callable[[Any, Any, Console], None] | None = None


def called(words: str) -> Callable[[Any], str]:
    """Return a link that is the same for every run."""
    return lambda _: words


def template(name: str, **helpers: object) -> Drawn:
    """Return what a template makes of the content, which it finds as `shown`."""

    def draw(environment: Environment, page: Any, shown: Any) -> str:
        given = {"page": page, "shown": shown, "info": page.info, "metrics": page.metrics}
        return environment.get_template(name).render(**given, **helpers)

    return draw
