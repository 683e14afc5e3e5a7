"""Which cells share a table: one fault, workload and driver, and one part of the scenario."""

from collections.abc import Callable, Iterable, Mapping, Sequence

from bench.record.metrics import CellMetrics
from bench.record.run_info import CellInfo

Key = tuple[str, str, str, str]
"""Fault, workload, compute driver and part."""


def grouped(
    measured: Iterable[CellMetrics],
    infos: Mapping[str, CellInfo],
    part_of: Callable[[CellInfo | None], str],
) -> dict[Key, list[CellMetrics]]:
    """Return the cells by what a table is about, in their order.

    Arms that would ask too much of the machine at once run in several stages. If those were given
    the same budget, T and length of a step, and no arm is in both, they are one table.
    """
    groups: dict[Key, list[CellMetrics]] = {}
    for cell in measured:
        key = (cell.fault, cell.workload, cell.compute, part_of(infos.get(cell.id)))
        groups.setdefault(key, []).append(cell)
    tables: dict[Key, list[CellMetrics]] = {}
    for key, cells in groups.items():
        alike = (
            other
            for other, there in tables.items()
            if other[:3] == key[:3] and _one_table(there, cells, infos)
        )
        tables.setdefault(next(alike, key), []).extend(cells)
    return tables


def _one_table(
    some: Sequence[CellMetrics], others: Sequence[CellMetrics], infos: Mapping[str, CellInfo]
) -> bool:
    given = {
        (info.detection_budget_s, info.drain_s, info.healthy_step_s)
        if info and info.detection_budget_s is not None
        else None
        for info in (infos.get(cell.id) for cell in (*some, *others))
    }
    apart = {cell.arm for cell in some}.isdisjoint(cell.arm for cell in others)
    return apart and len(given) == 1 and given.isdisjoint({None})
