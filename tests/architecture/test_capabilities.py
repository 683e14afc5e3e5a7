"""The matrix in docs/ has the support and the lines that the source has; a failure prints it."""

import re
from pathlib import Path

from bench.capabilities.claims import read_claim
from bench.capabilities.patterns.rows import ROWS
from bench.record.matrix import Cell

ROOT = Path(__file__).parents[2]


def _cell(engine: str, pattern: str) -> str:
    claim = read_claim(ROOT / f"{engine}_impl" / "patterns" / f"{pattern}.py")
    assert claim.support is not None
    shown = Cell(claim.support, None, claim.lines, claim.why, claim.because_of).shown
    return f"{shown} | {claim.lines}"


def _matrix() -> str:
    head = (
        "| row | pattern | Celery on Redis | lines | Temporal | lines |\n|--:|---|---|--:|---|--:|"
    )
    rows = [
        f"| {row.id} | {row.name} | {_cell('celery', row.pattern)} | "
        f"{_cell('temporal', row.pattern)} |"
        for row in ROWS
    ]
    return "\n".join([head, *rows])


def test_the_matrix_in_the_docs_is_what_the_source_says() -> None:
    page = (ROOT / "docs" / "capabilities.md").read_text()
    (written,) = re.findall(r"<!-- matrix:begin -->\n(.*?)\n<!-- matrix:end -->", page, re.DOTALL)
    assert written == _matrix(), f"docs/capabilities.md should have:\n\n{_matrix()}\n"
