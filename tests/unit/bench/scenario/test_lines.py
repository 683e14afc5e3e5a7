"""Every key of a TOML text is found on the line on which its statement begins."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.scenario.lines import Place, line_of

TRICKY = '''\
# a comment with [brackets] and key = 1
name = "a # b = [c]" # and another
"quo.ted" = 1.5
when = 1979-05-27 07:32:00
[table.inner]
a.b = { c = 1, d = [1,
  2, { e = "]" }] }
text = """
[no]
table = 1
""""
list = [
  "one", # ]
  'two',
]
[[stages]]
arms = ["a", "b"]
  [stages.job]
  n = [1]
  [[stages.cells]]
  fault = "x"
  [[stages.cells]]
  fault = "y"
[[stages]]
[[stages.cells]]
trials = -1
'''


@pytest.mark.parametrize(
    ("place", "line"),
    [
        (("name",), 2),
        (("quo.ted",), 3),
        (("when",), 4),
        (("table", "inner"), 5),
        (("table", "inner", "a", "b", "c"), 6),
        (("table", "inner", "a", "b", "d", 1), 6),
        (("table", "inner", "a", "b", "d", 2, "e"), 6),
        (("table", "inner", "text"), 8),
        (("table", "inner", "list"), 12),
        (("table", "inner", "list", 1), 12),
        (("stages",), 16),
        (("stages", 0, "arms", 1), 17),
        (("stages", 0, "job", "n", 0), 19),
        (("stages", 0, "cells", 1, "fault"), 23),
        (("stages", 1), 24),
        (("stages", 1, "cells", 0, "trials"), 26),
    ],
)
def test_a_key_is_found_on_the_line_of_its_statement(place: Place, line: int) -> None:
    assert line_of(TRICKY, place) == line
    assert line_of(TRICKY.replace("\n", "\r\n"), place) == line


def test_a_key_that_is_missing_is_looked_for_at_its_table() -> None:
    assert line_of(TRICKY, ("stages", 0, "cells", 1, "trials")) == 22
    assert line_of(TRICKY, ("stages", 1, "job", "n")) == 24
    assert line_of(TRICKY, ("seed",)) == 1


values = st.recursive(
    st.integers() | st.booleans() | st.text(alphabet='ab"#[]{}=,.\\ \n', max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(alphabet='ab."# ', max_size=3), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(st.dictionaries(st.text(alphabet="ab.#=[ ", max_size=4), values, max_size=4))
def test_whatever_a_value_holds_the_keys_after_it_are_found(table: dict[str, Any]) -> None:
    text = "".join(f"{_string(key)} = {_toml(value)}\n" for key, value in table.items())
    assert [line_of(text, (key,)) for key in table] == list(range(1, len(table) + 1))


def _toml(value: Any) -> str:
    match value:
        case bool():
            return str(value).lower()
        case int():
            return str(value)
        case str():
            return _string(value)
        case list():
            return f"[{', '.join(_toml(item) for item in value)}]"
        case _:
            pairs = (f"{_string(key)} = {_toml(item)}" for key, item in value.items())
            return f"{{{', '.join(pairs)}}}"


def _string(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'
