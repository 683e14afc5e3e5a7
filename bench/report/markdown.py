"""The report as Markdown: the same tables, for a pull request or a wiki."""

from bench.report.environment import environment
from bench.report.page import Page


def render_markdown(page: Page) -> str:
    """Return the document; text from the run is escaped, so that it stays text."""
    env = environment()
    env.filters["md"] = escape
    return env.get_template("report.md.j2").render(page=page, info=page.info, metrics=page.metrics)


def escape(text: str) -> str:
    """Return `text` for a table cell: one line, and nothing that Markdown or HTML would act on."""
    line = " ".join(text.split())
    for character in "\\`*_[]|~#":
        line = line.replace(character, "\\" + character)
    return line.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
