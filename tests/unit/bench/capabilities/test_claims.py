"""Claims and lines come from the source of a pattern's module, which is never imported."""

from pathlib import Path

import pytest

from bench.capabilities.claims import lines_of_code, read_claim
from bench.capabilities.patterns.rows import ROWS
from shared.ports.patterns import Support

ROOT = Path(__file__).parents[4]

SOURCE = '''"""A docstring
of two lines."""

import boom  # importing this module would fail

CLAIM = Claim(
    Support.BUILT,
    "Because of "
    "this.",
)


# A comment.
class Thing:
    """What it is."""

    text = """Two lines
    of a value"""


def thing() -> int:
    """What it does."""
    return (
        1
    )
'''


def _module(folder: Path, source: str) -> Path:
    module = folder / "patterns" / "thing.py"
    module.parent.mkdir()
    module.write_text(source)
    return module


def test_lines_are_code_without_blanks_comments_docstrings_and_the_claim() -> None:
    assert lines_of_code(SOURCE) == len(
        ["import", "class", "text =", "of a value", "def", "return (", "1", ")"]
    )


def test_a_claim_is_read_without_importing_the_module(tmp_path: Path) -> None:
    claim = read_claim(_module(tmp_path, SOURCE))
    assert (claim.support, claim.why, claim.lines) == (Support.BUILT, "Because of this.", 8)


def test_a_claim_names_the_server_for_whose_sake_alone_it_is_built(tmp_path: Path) -> None:
    source = 'CLAIM = Claim(Support.BUILT, "It loses messages.", because_of="Redis")\n'
    claim = read_claim(_module(tmp_path, source))
    assert (claim.why, claim.because_of) == ("It loses messages.", "Redis")


def test_what_is_not_possible_has_no_lines(tmp_path: Path) -> None:
    claim = read_claim(_module(tmp_path, SOURCE.replace("BUILT", "NOT_POSSIBLE")))
    assert (claim.support, claim.lines) == (Support.NOT_POSSIBLE, 0)


@pytest.mark.parametrize("source", [None, "", 'CLAIM = "native"'])
def test_a_module_that_claims_nothing_has_no_support(tmp_path: Path, source: str | None) -> None:
    module = tmp_path / "patterns" / "thing.py"
    claim = read_claim(module if source is None else _module(tmp_path, source))
    assert claim.support is None
    assert "thing.py" in claim.why


@pytest.mark.parametrize("engine", ["celery", "temporal"])
@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.pattern)
def test_every_row_has_a_claim_with_a_source(engine: str, row: object) -> None:
    claim = read_claim(ROOT / f"{engine}_impl" / "patterns" / f"{row.pattern}.py")  # type: ignore[attr-defined]
    assert claim.support is not None, claim.why
    assert len(claim.why) > 20
    assert claim.lines > 0 or claim.support is Support.NOT_POSSIBLE


def test_the_rows_are_the_24_patterns_in_order() -> None:
    assert [row.id for row in ROWS] == list(range(1, 25))
    assert len({row.pattern for row in ROWS}) == len({row.name for row in ROWS}) == 24
