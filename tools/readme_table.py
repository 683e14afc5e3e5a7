"""What README says of a run of the default suite. `python -m tools.readme_table RUN` puts it there.

The answer, the table of kills, the killed child and where each second comes from: all from the
run's `metrics.json`, in the words of its report.
"""

import re
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from bench.record.metrics import Bucket, CellMetrics, Metrics, read_metrics
from bench.record.run_info import read_run_info
from bench.report.format import seconds

README = Path(__file__).parents[1] / "README.md"
_PROFILES = ("stock", "tuned", "hardened", "standalone")
_MARKED = re.compile(r"(<!-- table:begin -->\n).*?(<!-- table:end -->)", re.DOTALL)

Column = tuple[str, Callable[[CellMetrics], str]]


def _recovered(cell: CellMetrics) -> str:
    if cell.recovery_s.median is None:
        return "–"
    return f"{seconds(cell.recovery_s.median)} ({seconds(max(cell.recovery_s.samples))})"


def _bound(cell: CellMetrics) -> str:
    return "never" if cell.predicted_bound_s is None else f"{cell.predicted_bound_s:g} s"


COLUMNS: Sequence[Column] = (
    ("lost or failed", lambda cell: str(cell.lost + cell.buckets[Bucket.FAILED])),
    ("unrecovered at T", lambda cell: f"{cell.unrecovered} (T = {cell.drain_s:g} s)"),
    ("predicted bound", _bound),
    ("attempts beyond the first", lambda cell: str(cell.re_executions)),
    ("finished twice", lambda cell: str(cell.duplicate_executions)),
    ("duplicate effects", lambda cell: str(cell.duplicate_effects)),
    ("recovery, median (slowest)", _recovered),
    ("device time wasted a hit", lambda cell: seconds(sum(cell.wasted_per_fault_s.values()))),
)


def block(folder: Path) -> str:
    """Return what stands between README's markers for this run."""
    metrics, info = read_metrics(folder / "metrics.json"), read_run_info(folder / "run.json")
    budgets = {cell.id: cell.detection_budget_s or 0.0 for cell in info.cells}
    answer = " ".join(metrics.sentences["cells"])
    killed = _sorted(metrics, "sigkill")
    child = _sorted(metrics, "child-sigkill")
    lines = [
        f"> {answer}",
        "",
        f"Workers killed with SIGKILL in the middle of `generate_image`, on {info.host['cpu']}:",
        "",
        *_table(killed, budgets, "kills"),
        "",
        "The pool's child alone killed, as when memory runs out; Temporal's workers have none:",
        "",
        *_table(child, budgets, "kills"),
        "",
        "Where each second comes from, by the same run:",
        "",
        *(
            f"- budget {budgets[cell.id]:g} s{_what(cell)}, {cell.terms_said}"
            for cell in (*killed, *child)
            if cell.terms_said and cell.compute == "simulated"
        ),
    ]
    return "\n".join(lines) + "\n"


def _what(cell: CellMetrics) -> str:
    return ", child killed" if cell.fault == "child-sigkill" else ""


def _sorted(metrics: Metrics, fault: str) -> list[CellMetrics]:
    cells = [cell for cell in metrics.cells if cell.fault == fault]
    # A stage after the other, each with Celery's rungs before Temporal's.
    stages = list(dict.fromkeys(cell.id.partition("/")[0] for cell in metrics.cells))
    return sorted(
        cells,
        key=lambda cell: (
            stages.index(cell.id.partition("/")[0]),
            cell.engine,
            _PROFILES.index(cell.profile),
        ),
    )


def _table(cells: Iterable[CellMetrics], budgets: dict[str, float], hits: str) -> list[str]:
    heads = ["arm", "budget", hits, *(name for name, _ in COLUMNS)]
    rows = [
        [
            cell.arm + ("" if cell.compute == "simulated" else ", real pipeline"),
            f"{budgets[cell.id]:g} s",
            str(cell.faults_confirmed),
            *(read(cell) for _, read in COLUMNS),
        ]
        for cell in cells
    ]
    return [
        f"| {' | '.join(heads)} |",
        "|---|" + "--:|" * (len(heads) - 1),
        *(f"| {' | '.join(row)} |" for row in rows),
    ]


def main() -> None:
    """Put the block into README."""
    text = block(Path(sys.argv[1]))
    README.write_text(_MARKED.sub(lambda marks: marks[1] + text + marks[2], README.read_text()))


if __name__ == "__main__":
    main()
