"""The page: one file that opens from disk and loads nothing."""

from markupsafe import Markup

from bench.report.environment import environment
from bench.report.page import Page
from bench.report.parts import PARTS


def render_html(page: Page) -> str:
    """Return the whole document."""
    env = environment()
    drawn = [
        (part, Markup(part.html(env, page, shown)))  # templates escape the text in it
        for part in PARTS
        if (shown := part.content(page))
    ]
    return env.get_template("report.html.j2").render(
        page=page, info=page.info, metrics=page.metrics, parts=drawn
    )
