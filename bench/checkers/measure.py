"""From a run's metadata and history to its metrics; no check can take the others down with it."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial

from bench.checkers.answer import answer
from bench.checkers.buckets import Buckets, sort_into_buckets
from bench.checkers.budget import budgets
from bench.checkers.by_job import CellHistory, by_cell
from bench.checkers.capabilities import capabilities_answer, measure_suite
from bench.checkers.cell import measure_cell
from bench.checkers.expectations import as_documented
from bench.checkers.frontier import frontier_answer, frontiers
from bench.checkers.host_load import host_use
from bench.checkers.idempotency import Confirmation
from bench.checkers.idempotency_answer import idempotency_answer
from bench.checkers.recovery import completion_times
from bench.checkers.reload import Reloads, find_reloads
from bench.checkers.soak_answer import soak_answer
from bench.checkers.twins import measure_twins
from bench.checkers.verdict import Checks, worst
from bench.record.history import History
from bench.record.metrics import SCHEMA, CellMetrics, Metrics, Verdict
from bench.record.run_info import CellInfo, CellKind, RunInfo

_NO_ANSWER = [
    "The answer could not be computed from this run.",
    "The table holds what could be measured.",
]


def measure(info: RunInfo, history: History) -> Metrics:
    """Return the metrics of a run. Never raises: what cannot be computed is unknown, and why."""
    suite = measure_suite(info)
    if suite is not None:
        return suite
    common = Checks()
    infos = [*info.cells, *info.twins, *info.soak, *info.idempotency]
    # A cell of which nothing is known breaks no demand; it is unknown.
    nothing = {cell.id: CellHistory(replace(cell, demands=[])) for cell in infos}
    cells = common.value("history", nothing, partial(by_cell, infos, history))
    alone = {id: cell for id, cell in cells.items() if cell.info.kind is CellKind.TRIALS}
    reloads = common.value("reload", Reloads(), partial(find_reloads, alone, history))
    confirmation = common.value("faults", Confirmation(History()), lambda: Confirmation(history))
    checks = {cell_id: Checks(list(common.done)) for cell_id in cells}
    buckets = {
        cell_id: checks[cell_id].value("buckets", Buckets.none(), partial(sort_into_buckets, cell))
        for cell_id, cell in cells.items()
    }
    every: dict[str, CellMetrics] = {}
    for cell_id, cell in cells.items():
        unfaulted_s = checks[cell_id].value(
            "unfaulted jobs", (), partial(_unfaulted_s, cell, alone, buckets)
        )
        every[cell_id] = measure_cell(
            cell, buckets[cell_id], reloads, unfaulted_s, confirmation, checks[cell_id]
        )
    measured, soak, experiments = (
        [every[cell.id] for cell in part] for part in (info.cells, info.soak, info.idempotency)
    )
    twins = common.value("twins", [], partial(measure_twins, info.twins, every))
    verdict = worst(
        [
            *(cell.verdict for cell in every.values()),
            *(check.verdict for pair in twins for check in pair.checks),
            *(check.verdict for check in common.done),
        ]
    )
    if not any(cell.completed for cell in [*measured, *soak, *experiments]):
        # Where nothing worked, that nothing went wrong shows nothing.
        verdict = worst([verdict, Verdict.UNKNOWN])
    found = common.value("frontier", [], partial(frontiers, measured, cells))
    asked: dict[str, Callable[[], list[str]]] = {
        "frontier": partial(frontier_answer, found) if found else list,
        "cells": partial(answer, measured) if measured or not (soak or experiments) else list,
        "soak": partial(soak_answer, soak) if soak else list,
        "idempotency": partial(idempotency_answer, experiments) if experiments else list,
        "capabilities": lambda: (
            capabilities_answer(info.capabilities.matrix) if info.capabilities else []
        ),
    }
    sentences = {part: common.value("answer", _NO_ANSWER, say) for part, say in asked.items()}
    return Metrics(
        SCHEMA,
        info.run_id,
        verdict,
        next(said for said in sentences.values() if said),
        measured,
        experiments,
        twins,
        soak,
        found,
        common.value("budgets", [], partial(budgets, info, alone.values())),
        as_documented(measured),
        host_use(history.host, history.pauses),
        {part: said for part, said in sentences.items() if said},
    )


def _unfaulted_s(
    cell: CellHistory, cells: Mapping[str, CellHistory], buckets: Mapping[str, Buckets]
) -> list[float]:
    """Completion times without a fault: of the control cell, else of this cell's other jobs."""
    if cell.info.kind is not CellKind.TRIALS:
        return []
    of_job = {job: bucket for each in buckets.values() for job, bucket in each.of_job.items()}
    controls = [c for c in cells.values() if c.info.trials == 0 and _alike(c.info, cell.info)]
    return completion_times(controls, of_job) or completion_times([cell], of_job)


def _alike(one: CellInfo, other: CellInfo) -> bool:
    return (one.arm, one.workload, one.compute) == (other.arm, other.workload, other.compute)
