"""Reads a page as a browser's parser would, and remembers what a test asks for."""

from dataclasses import dataclass, field
from html.parser import HTMLParser

VOID = frozenset({"meta", "link", "img", "br", "wbr", "hr", "input", "source"})
LOADING = frozenset({"src", "srcset", "poster", "data", "xlink:href", "action"})


@dataclass
class Entry:
    """A table cell: its measure and the exact value that it carries."""

    key: str
    value: str
    text: str = ""


@dataclass
class Document(HTMLParser):
    """Tags that do not match, what would be loaded, ids, links and the table cells."""

    problems: list[str] = field(default_factory=list)
    loads: list[str] = field(default_factory=list)
    links: list[str] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)
    tags: list[str] = field(default_factory=list)
    entries: list[Entry] = field(default_factory=list)
    text: str = ""

    def __post_init__(self) -> None:
        super().__init__()
        self._open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        given = {name: value or "" for name, value in attrs}
        self.loads += [value for name, value in given.items() if name in LOADING]
        if tag in {"link", "use", "image"}:
            self.loads.append(given.get("href", ""))
        if tag == "a":
            self.links.append(given.get("href", ""))
        if "id" in given:
            self.ids.append(given["id"])
        if "data-key" in given:
            self.entries.append(Entry(given["data-key"], given["data-value"]))
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self._open.pop()

    def handle_endtag(self, tag: str) -> None:
        if not self._open or self._open[-1] != tag:
            self.problems.append(f"</{tag}> at {self.getpos()} closes {self._open[-1:]}")
        else:
            self._open.pop()

    def handle_data(self, data: str) -> None:
        if self._open and self._open[-1] not in {"style", "title", "desc"}:
            self.text += data
        if "td" in self._open and self.entries:
            self.entries[-1].text += data


def parse(html: str) -> Document:
    """Read a whole document."""
    document = Document()
    document.feed(html)
    document.close()
    return document
