"""The report as Markdown: the same tables, for a pull request or a wiki."""

from bench.report.environment import environment
from bench.report.page import Page
from bench.report.parts import PARTS


def render_markdown(page: Page) -> str:
    """Return the document; text from the run is escaped, so that it stays text."""
    env = environment()
    env.filters["md"] = escape
    env.filters["md_code"] = _with_code
    drawn = [
        part.markdown(env, page, shown)
        for part in PARTS
        if part.markdown and (shown := part.content(page))
    ]
    return env.get_template("report.md.j2").render(
        page=page, info=page.info, metrics=page.metrics, parts=drawn
    )


def escape(text: str) -> str:
    """Return `text` for a table cell: one line, and nothing that Markdown or HTML would act on."""
    return _harmless(_one_line(text))


def _with_code(text: str) -> str:
    """Escape `text`, but leave as code what stands between backticks."""
    plain_and_code = _one_line(text).split("`")
    code = plain_and_code[1::2]
    if len(plain_and_code) % 2 == 0 or not all(code):
        return escape(text)
    parts = [_harmless(part) for part in plain_and_code]
    # Nothing in code is acted on but what ends the cell.
    parts[1::2] = ["`" + part.replace("|", r"\|") + "`" for part in code]
    return "".join(parts)


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _harmless(line: str) -> str:
    for character in "\\`*_[]|~#":
        line = line.replace(character, "\\" + character)
    return line.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
