"""`changeover capabilities`: what each engine can do, row by row, as its tests prove it."""

import asyncio
import importlib.util
import runpy
import sys
import time
import xml.etree.ElementTree as ET
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console

from bench.claims import lines_of_code, read_claim
from bench.errors import NotFit
from bench.matrix import Cell, Matrix, MatrixRow, print_matrix
from bench.run_folder import new_run_folder
from bench.supervisor import Managed, ProcessSpec, Supervisor
from shared.codec import to_json
from shared.ports.patterns import Support

FELL_SHORT = 1
_ROOT = Path(__file__).parents[1]
_SUITE = _ROOT / "tests" / "contract" / "capabilities"
_LIMIT_S = 1200.0
_POLL_S = 0.2
_PYTEST_TELLS = (0, 1)
"""The exit statuses of a pytest that ran its tests: all passed, or some failed."""

Passed = dict[tuple[int, str], bool]


async def capabilities_verb(
    engines: Sequence[str], results: Path, console: Console, *, as_json: bool
) -> int:
    """Run the suite on these engines and print the matrix; return the exit status."""
    _refuse_if_unfit()
    folder = new_run_folder(results, "capabilities")
    console.print(f"run folder  {folder}")
    with console.status("") as status:

        def say(what: str) -> None:
            status.update(what)

        log = await _run_suite(engines, folder, say)
    passed = read_report(folder / "junit.xml")
    matrix = matrix_of(engines, passed)
    (folder / "capabilities.json").write_text(to_json(matrix) + "\n")
    print_matrix(matrix, console)
    if not matrix.passed:
        console.print(f"What failed, and how: {log}", markup=False, soft_wrap=True)
    if as_json:
        sys.stdout.write(to_json(matrix) + "\n")
    return 0 if matrix.passed else FELL_SHORT


def _refuse_if_unfit() -> None:
    if not _SUITE.is_dir():
        raise NotFit(
            "the capability suite is tests/contract/capabilities of a source checkout, and this is "
            "an installed package; clone the repository and run `make capabilities` there"
        )
    missing = [name for name in ("pytest", "pytest_asyncio") if not importlib.util.find_spec(name)]
    if missing:
        raise NotFit(f"no {' and no '.join(missing)}; install with: pip install -e '.[dev]'")


async def _run_suite(engines: Sequence[str], folder: Path, say: Callable[[str], None]) -> Path:
    """Run pytest in a process of its own and return its log; `NotFit` if it tells nothing."""
    async with Supervisor(folder / "logs") as supervisor:
        # A pytest that is ended early leaves its servers and workers to its own guardian.
        place = supervisor.start(
            ProcessSpec(
                name="pytest",
                role="suite",
                argv=[
                    *(sys.executable, "-m", "pytest", str(_SUITE), "--rootdir", str(_ROOT), "-v"),
                    *("-m", "capabilities", "-k", " or ".join(engines)),
                    *("--junitxml", str(folder / "junit.xml"), "-o", "junit_family=xunit1"),
                    *("--basetemp", str(folder / "environments"), "-p", "no:cacheprovider"),
                ],
            )
        )
        await _until_done(place, say)
    if place.popen.returncode not in _PYTEST_TELLS:
        raise NotFit(f"the suite did not run: {place.last_words()}; see {place.log}")
    return place.log


async def _until_done(place: Managed, say: Callable[[str], None]) -> None:
    began_at = time.monotonic()
    while not place.exited():
        took_s = time.monotonic() - began_at
        if took_s > _LIMIT_S:
            raise NotFit(f"the suite was not done in {_LIMIT_S:g} s; see {place.log}")
        lines = place.log.read_text(errors="replace").splitlines()
        done = sum(" PASSED " in line or " FAILED " in line for line in lines)
        say(f"{done} tests done, {took_s:.0f} s")
        await asyncio.sleep(_POLL_S)


def read_report(report: Path) -> Passed:
    """Return, per row and engine, whether all of its tests passed; absent if none was run."""
    outcomes: dict[tuple[int, str], list[bool]] = defaultdict(list)
    for case in ET.parse(report).iter("testcase"):
        told = {item.get("name"): item.get("value") for item in case.iter("property")}
        if case.find("skipped") is None:
            row, engine = int(told["row"] or 0), str(told["engine"])
            fell_short = [case.find(what) is not None for what in ("failure", "error")]
            outcomes[row, engine].append(not any(fell_short))
    return {key: all(passed) for key, passed in outcomes.items()}


def matrix_of(engines: Sequence[str], passed: Passed) -> Matrix:
    rows: list[Any] = runpy.run_path(str(_SUITE / "rows.py"))["ROWS"]
    modules = {f"{row.pattern}.py" for row in rows}
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
            for row in rows
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


def _cell(engine: str, pattern: str, passed: bool | None) -> Cell:
    claim = read_claim(_folder(engine) / f"{pattern}.py")
    if claim.support is Support.NOT_POSSIBLE:
        return Cell(claim.support, None, 0, claim.why)
    return Cell(claim.support or "missing", passed or False, claim.lines, claim.why)


def _folder(engine: str) -> Path:
    return _ROOT / f"{engine}_impl" / "patterns"
