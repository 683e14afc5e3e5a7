"""What a run of the capability suite comes to: its verdict, and the answer in two sentences."""

from collections import Counter

from bench.record.matrix import Matrix, tried_as
from bench.record.metrics import SCHEMA, Metrics, Verdict
from bench.record.run_info import RunInfo
from shared.ports.patterns import Support


def measure_suite(info: RunInfo) -> Metrics | None:
    """Return the metrics of a run that did nothing but try the matrix, None for any other run.

    A run that merely shows the matrix is not judged by it.
    """
    if info.capabilities is None or not info.is_suite_run:
        return None
    matrix = info.capabilities.matrix
    said = capabilities_answer(matrix)
    verdict = _verdict(matrix)
    return Metrics(SCHEMA, info.run_id, verdict, said, [], sentences={"capabilities": said})


def _verdict(matrix: Matrix) -> Verdict:
    if not all(matrix.passed_by_cell.values()):
        return Verdict.INVALID
    return Verdict.UNKNOWN if matrix.untried else Verdict.VALID


def capabilities_answer(matrix: Matrix) -> list[str]:
    """Return what each engine has by itself, and how many lines the patterns took."""
    engines = list(matrix.base_lines)
    clauses = [_support(matrix, engine) for engine in engines]
    lines = [
        f"{sum(row.engines[engine].lines for row in matrix.rows)} on {tried_as(engine)}"
        for engine in engines
    ]
    shared = [str(matrix.base_lines[engine]) for engine in engines]
    return [
        f"Of {len(matrix.rows)} patterns, {'; '.join(clauses)}.",
        f"In lines of code the patterns took {' and '.join(lines)}, "
        f"besides the {' and '.join(shared)} that they share.",
    ]


def _support(matrix: Matrix, engine: str) -> str:
    count = Counter(row.engines[engine].support for row in matrix.rows)
    clause = (
        f"{tried_as(engine)} has {count[Support.NATIVE]} natively "
        f"and {count[Support.BUILT]} were built on it"
    )
    if impossible := count[Support.NOT_POSSIBLE]:
        clause += f" ({impossible} not possible)"
    return clause
