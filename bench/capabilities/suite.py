"""The capability suite: what the sources say of each row, and what its last
run has shown of them.
"""

import hashlib
import json
import platform
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from bench.arms.engines import ENGINES
from bench.arms.host import versions
from bench.capabilities.claims import lines_of_code, read_claim
from bench.capabilities.patterns.rows import ROWS
from bench.record.matrix import Cell, Matrix, MatrixRow
from bench.record.run_info import CapabilityInfo, read_run_info
from shared.ports.patterns import Support

VERB = "capabilities"
ROOT = Path(__file__).parents[2]
"""Where the packages are: a checkout, or what was installed."""
SUITE = Path(__file__).parent / "patterns"
_TRIED = (
    *("shared/**/*", "celery_impl/**/*", "temporal_impl/**/*", "bench/capabilities/patterns/*"),
    *(f"bench/arms/{name}.py" for name in ("services", "supervisor", "waiting")),
)
_SOURCES = {".py", ".toml"}

Passed = Mapping[tuple[int, str], bool]
"""Whether all tests of a row passed on an engine; absent if none was run."""


def matrix_of(engines: Sequence[str], passed: Passed) -> Matrix:
    """Return the matrix with support, lines and reasons as the sources have them now."""
    modules = {f"{row.pattern}.py" for row in ROWS}
    return Matrix(
        rows=[
            MatrixRow(
                row.id,
                row.name,
                {
                    engine: _cell(engine, row.pattern, passed.get((row.id, engine)))
                    for engine in engines
                },
            )
            for row in ROWS
        ],
        base_lines={
            engine: sum(
                lines_of_code(module.read_text())
                for module in _folder(engine).glob("*.py")
                if module.name not in modules
            )
            for engine in engines
        },
    )


def known_capabilities(results: Path) -> CapabilityInfo:
    """Return the matrix of this source; whether a row passed is told by the newest run of the
    suite under `results` that ran this very source, if there is one.
    """
    source = source_digest()
    for run in _suite_runs(results):
        if run.source == source:
            return CapabilityInfo(
                matrix_of(list(ENGINES), run.matrix.passed_by_cell),
                source,
                run.run_id,
                run.started_at,
            )
    return CapabilityInfo(matrix_of(list(ENGINES), {}), source)


def source_digest() -> str:
    """Return a SHA-256 of all that the outcome of a row rests on: the patterns, what they and the
    suite are made of, and the versions that they run on.

    Not the commit: that is the same for a changed tree, and another one for a changed document.
    """
    digest = hashlib.sha256(
        json.dumps([platform.python_version(), versions()], sort_keys=True).encode()
    )
    for path in sorted(path for part in _TRIED for path in ROOT.glob(part)):
        if path.suffix in _SOURCES:
            digest.update(f"\0{path.relative_to(ROOT)}\0".encode())
            digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def _suite_runs(results: Path) -> Iterator[CapabilityInfo]:
    """Return what the runs of the suite found, the newest first; folders are named by time."""
    for path in sorted(results.glob(f"*-{VERB}-*/run.json"), reverse=True):
        try:
            info = read_run_info(path)
        except (OSError, ValueError):  # damaged, or of another version
            continue
        if info.capabilities and info.is_suite_run:
            yield info.capabilities


def _cell(engine: str, pattern: str, passed: bool | None) -> Cell:
    claim = read_claim(_folder(engine) / f"{pattern}.py")
    if claim.support is Support.NOT_POSSIBLE:
        return Cell(claim.support, None, 0, claim.why)
    support = claim.support or "missing"
    return Cell(support, passed, claim.lines, claim.why, claim.because_of)


def _folder(engine: str) -> Path:
    return ROOT / f"{engine}_impl" / "patterns"
