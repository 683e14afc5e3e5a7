"""On which line of a TOML text each key stands; `tomllib` parses and gives no positions."""

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass

Place = tuple[str | int, ...]
"""The keys and indices that lead to a value: `("stages", 0, "job", "steps")`."""

_TOKEN = re.compile(
    r"""(?P<blank>[ \t\r]+|\#[^\n]*)
      | (?P<newline>\n)
      | (?P<string>\"""(?:\\.|[^\\])*?"{3,5} | '''.*?'{3,5} | "(?:\\.|[^"\\\n])*" | '[^'\n]*')
      | (?P<mark>[\[\]{}=,.])
      | (?P<bare>[^\s\[\]{}=,.\#"']+)""",
    re.VERBOSE | re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    line: int

    @property
    def key(self) -> str:
        """The part of a dotted key that the token is."""
        if self.kind == "string":
            return str(tomllib.loads(f"key = {self.text}")["key"])
        return self.text


def line_of(lines: dict[Place, int], place: Place) -> int:
    """Return the line of a place, else that of the innermost table around it; 1 for the whole."""
    while place not in lines and place:
        place = place[:-1]
    return lines.get(place, 1)


def key_lines(text: str) -> dict[Place, int]:
    """Return the line, counted from 1, of every key, table header and array element.

    The text must be TOML that `tomllib` has accepted: nothing is checked here.
    """
    return _Lines(text).found


class _Lines:
    def __init__(self, text: str) -> None:
        self.found: dict[Place, int] = {}
        self._sizes: dict[Place, int] = {}
        """How many tables an array of tables has so far."""
        self._tokens = list(_tokens(text))
        self._at = 0
        table: Place = ()
        while token := self._next_token():
            if token.text == "[":
                table = self._header(token.line)
            else:
                self._at -= 1
                self._pair(table)

    def _header(self, line: int) -> Place:
        """Read `[a.b]` or `[[a.b]]` past its first bracket; return the table that it opens."""
        is_array = self._peek() == "["
        if is_array:
            self._at += 1
        *parents, last = self._dotted()
        self._at += 2 if is_array else 1
        table: Place = ()
        for key in parents:
            table = self._current(self._note((*table, key), line))
        table = self._note((*table, last), line)
        if is_array:
            self._sizes[table] = self._sizes.get(table, 0) + 1
            table = self._note(self._current(table), line)
        return table

    def _current(self, table: Place) -> Place:
        """The last table of an array of tables; any other place as it is."""
        return (*table, self._sizes[table] - 1) if table in self._sizes else table

    def _pair(self, table: Place) -> None:
        """Read `a.b = value`."""
        line = self._tokens[self._at].line
        place = table
        for key in self._dotted():
            place = self._note((*place, key), line)
        self._at += 1  # the equals sign
        self._value(place)

    def _value(self, place: Place) -> None:
        opening = self._peek()
        if opening not in ("[", "{"):
            self._scalar()
            return
        self._at += 1
        index = 0
        while (mark := self._peek(over_lines=True)) not in ("]", "}"):
            if mark == ",":
                self._at += 1
            elif opening == "{":
                self._pair(place)
            else:
                self._value(self._note((*place, index), self._tokens[self._at].line))
                index += 1
        self._at += 1

    def _scalar(self) -> None:
        """Pass a string, number, boolean or date; a date may have a blank in it, a number a dot."""
        while (token := self._token()) is not None and token.kind != "newline":
            if token.text in (",", "]", "}"):
                return
            self._at += 1

    def _dotted(self) -> list[str]:
        keys = [self._tokens[self._at].key]
        self._at += 1
        while self._peek() == ".":
            keys.append(self._tokens[self._at + 1].key)
            self._at += 2
        return keys

    def _note(self, place: Place, line: int) -> Place:
        self.found.setdefault(place, line)
        return place

    def _token(self) -> _Token | None:
        return self._tokens[self._at] if self._at < len(self._tokens) else None

    def _peek(self, *, over_lines: bool = False) -> str:
        while over_lines and (token := self._token()) is not None and token.kind == "newline":
            self._at += 1
        token = self._token()
        return "" if token is None else token.text

    def _next_token(self) -> _Token | None:
        """The next token that is no line end, taken."""
        self._peek(over_lines=True)
        token = self._token()
        self._at += 1
        return token


def _tokens(text: str) -> Iterator[_Token]:
    line = 1
    for found in _TOKEN.finditer(text):
        kind = found.lastgroup or ""
        if kind != "blank":
            yield _Token(kind, found.group(), line)
        line += found.group().count("\n")
