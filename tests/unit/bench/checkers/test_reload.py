"""Model loads after the first are told, and told to belong to one cell."""

import pytest

from bench.record.metrics import Verdict
from tests.unit.bench.builder import ARM, Story, cell_info


def run() -> Story:
    """A kill on gpu-0 of one arm, with the worker's first load before the first job."""
    story = Story(cell_info(fault="sigkill", trials=1), cell_info(id="stock", arm="celery/stock"))
    story.killed("a").healthy("b", 50.0).healthy("s", 0.0, cell="stock")
    return story.process("gpu-0", "start", -5.0, 100).model_loaded("2.0", -1.0)


def test_the_first_load_of_a_worker_is_no_reload() -> None:
    assert run().cell().device_s["reload"] == 0.0


def test_a_worker_that_joins_late_has_not_reloaded() -> None:
    story = (
        run().process("gpu-7", "start", 8.0, 107).model_loaded("1.5", 10.0, pid=107, worker="gpu-7")
    )
    assert story.cell().device_s["reload"] == 0.0


def test_a_load_after_a_restart_is_a_reload_of_that_arms_cell() -> None:
    story = run().process("gpu-0", "start", 8.0, 102).model_loaded("1.5", 10.0, pid=102)
    assert story.cell().device_s["reload"] == pytest.approx(1.5)
    assert story.cell().wasted_per_fault_s["reload"] == pytest.approx(1.5)
    assert story.cell("stock").device_s["reload"] == 0.0


def test_a_load_outside_the_cells_window_is_not_the_cells() -> None:
    story = run().process("gpu-0", "start", 150.0, 102).model_loaded("1.5", 151.0, pid=102)
    assert story.cell().device_s["reload"] == 0.0


def test_a_child_that_loads_is_known_by_the_jobs_that_it_runs() -> None:
    story = run().process("gpu-0", "start", -5.0, 500, arm="celery/stock")
    story.model_loaded("1.5", 10.0, pid=777).submit("c", 11.0).denoise("c", "c-1", at=12, pid=777)
    assert story.settled("c", 24).final("c").cell().device_s["reload"] == pytest.approx(1.5)


def test_a_child_is_known_by_its_name_if_only_one_arm_has_it() -> None:
    assert run().model_loaded("1.5", 10.0, pid=777).cell().device_s["reload"] == pytest.approx(1.5)


def test_a_load_that_may_be_any_arms_is_not_guessed() -> None:
    story = run().process("gpu-0", "start", -5.0, 500, arm="celery/stock")
    story.model_loaded("1.5", 10.0, pid=777)
    assert story.cell().device_s["reload"] == 0.0
    assert story.check("model loads told apart").verdict is Verdict.UNKNOWN


def test_where_windows_overlap_the_fault_decides() -> None:
    story = Story(cell_info(id="control"), cell_info(fault="sigkill", trials=1))
    story.healthy("c", 0.0, cell="control").killed("a")
    story.process("gpu-0", "start", -5.0, 100, arm=ARM).model_loaded("2.0", -1.0)
    story.process("gpu-0", "start", 8.0, 102, arm=ARM).model_loaded("1.5", 10.0, pid=102)
    assert story.cell().device_s["reload"] == pytest.approx(1.5)


def test_a_load_without_its_seconds_is_unknown() -> None:
    story = run().model_loaded("soon", 10.0)
    assert story.cell().verdict is Verdict.UNKNOWN
