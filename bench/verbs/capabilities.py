"""`changeover capabilities`: what each engine can do, row by row, as its tests prove it."""

import asyncio
import importlib.util
import shlex
import sys
import time
import xml.etree.ElementTree as ET
from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console

from bench.arms.host import git_revision, host_facts, versions
from bench.arms.supervisor import Managed, ProcessSpec, Supervisor
from bench.capabilities.suite import ROOT, SUITE, VERB, matrix_of, source_digest
from bench.checkers.measure import measure
from bench.errors import NotFit
from bench.record.history import History, write_history
from bench.record.matrix import print_matrix
from bench.record.metrics import write_metrics
from bench.record.run_folder import new_run_folder
from bench.record.run_info import SCHEMA, CapabilityInfo, RunInfo, write_run_info
from bench.report.build import Report, build_report
from shared.codec import to_json

FELL_SHORT = 1
_LIMIT_S = 1200.0
_POLL_S = 0.2
_PYTEST_TELLS = (0, 1)
"""The exit statuses of a pytest that ran its tests: all passed, or some failed."""


async def capabilities_verb(
    engines: Sequence[str], results: Path, console: Console, *, as_json: bool
) -> int:
    """Run the suite on these engines, print the matrix, write the run folder with its report;
    return the exit status.
    """
    _refuse_if_unfit()
    began, began_at = time.monotonic(), datetime.now(UTC).isoformat(timespec="seconds")
    source, host = source_digest(), host_facts()
    folder = new_run_folder(results, VERB)
    console.print(f"run folder  {folder}")
    with console.status("") as status:

        def say(what: str) -> None:
            status.update(what)

        log = await _run_suite(engines, folder, say)
    matrix = matrix_of(engines, read_report(folder / "junit.xml"))
    (folder / "capabilities.json").write_text(to_json(matrix) + "\n")
    # What was edited while it was tried has been tried by nobody: no later run may rely on it.
    tried = source if source == source_digest() else ""
    info = RunInfo(
        schema=SCHEMA,
        run_id=folder.name,
        command=shlex.join(["changeover", *sys.argv[1:]]),
        scenario="",
        seed=0,
        started_at=began_at,
        duration_s=time.monotonic() - began,
        host=host,
        versions=versions(),
        git=git_revision(),
        services=[],
        topology={},
        settings={},
        cells=[],
        capabilities=CapabilityInfo(matrix, tried, folder.name, began_at),
    )
    report = write_run(folder, info)
    print_matrix(matrix, console)
    if not matrix.passed:
        console.print(f"What failed, and how: {log}", markup=False, soft_wrap=True)
    console.print(f"Report: {report.html}", markup=False, soft_wrap=True)
    if as_json:
        sys.stdout.write(to_json(matrix) + "\n")
    return 0 if matrix.passed else FELL_SHORT


def write_run(folder: Path, info: RunInfo) -> Report:
    """Write the files of a run in which no job was submitted, its report among them."""
    history = History()
    write_run_info(folder / "run.json", info)
    write_history(folder / "history.jsonl", history)
    metrics = measure(info, history)
    write_metrics(folder / "metrics.json", metrics)
    return build_report(folder, metrics)


def _refuse_if_unfit() -> None:
    needed = ("pytest", "pytest_asyncio", "pytest_timeout")
    missing = [name for name in needed if not importlib.util.find_spec(name)]
    if missing:
        raise NotFit(
            f"no {' and no '.join(missing)}; install with: pip install 'changeover[capabilities]'"
        )


async def _run_suite(engines: Sequence[str], folder: Path, say: Callable[[str], None]) -> Path:
    """Run pytest in a process of its own and return its log; `NotFit` if it tells nothing."""
    async with Supervisor(folder / "logs") as supervisor:
        # A pytest that is ended early leaves its servers and workers to its own guardian.
        place = supervisor.start(
            ProcessSpec(
                name="pytest",
                role="suite",
                argv=[
                    *(sys.executable, "-m", "pytest", str(SUITE), "-v"),
                    *("-c", str(SUITE / "pytest.ini"), "--rootdir", str(ROOT)),
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


def read_report(report: Path) -> dict[tuple[int, str], bool]:
    """Return, per row and engine, whether all of its tests passed; absent if none was run."""
    outcomes: dict[tuple[int, str], list[bool]] = defaultdict(list)
    for case in ET.parse(report).iter("testcase"):
        told = {item.get("name"): item.get("value") for item in case.iter("property")}
        if case.find("skipped") is None:
            row, engine = int(told["row"] or 0), str(told["engine"])
            fell_short = [case.find(what) is not None for what in ("failure", "error")]
            outcomes[row, engine].append(not any(fell_short))
    return {key: all(passed) for key, passed in outcomes.items()}
