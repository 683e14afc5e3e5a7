"""Cells share a table if their arms can be set side by side."""

from bench.record.run_info import CellInfo
from bench.report.grouping import grouped
from tests.unit.bench.builder import Story, cell_info


def of_arm(arm: str, stage: str, **changes: object) -> CellInfo:
    values = {"detection_budget_s": 6.0, "healthy_step_s": 2.0, **changes}
    return cell_info(id=f"{stage}/{arm}", arm=arm, stage=stage, **values)


def tables(*cells: CellInfo) -> list[list[str]]:
    metrics = Story(*cells).metrics()
    infos = {cell.id: cell for cell in cells}
    parts = grouped(metrics.cells, infos, lambda info: info.stage if info else "")
    return [[cell.arm for cell in part] for part in parts.values()]


def test_arms_of_two_stages_that_were_given_the_same_are_one_table() -> None:
    found = tables(of_arm("celery/hardened", "first"), of_arm("celery/stock", "rest"))
    assert found == [["celery/hardened", "celery/stock"]]


def test_an_arm_that_is_in_both_keeps_them_apart() -> None:
    found = tables(of_arm("celery/hardened", "first"), of_arm("celery/hardened", "second"))
    assert found == [["celery/hardened"], ["celery/hardened"]]


def test_another_budget_or_deadline_or_step_is_another_table() -> None:
    first = of_arm("celery/hardened", "first")
    changes = ({"detection_budget_s": 4.0}, {"drain_s": 1.0}, {"healthy_step_s": 1.0})
    for changed in changes:
        found = tables(first, of_arm("celery/stock", "rest", **changed))
        assert len(found) == 2, changed


def test_what_an_earlier_version_recorded_stays_as_its_stages_were() -> None:
    unknown = [
        of_arm(arm, stage, detection_budget_s=None, healthy_step_s=None)
        for arm, stage in (("celery/hardened", "first"), ("celery/stock", "rest"))
    ]
    assert len(tables(*unknown)) == 2
