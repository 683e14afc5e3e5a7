"""A worker that dies in a CPU step, on both engines: the detection budget holds for it too."""

from pathlib import Path

import pytest

from celery_impl.engine import create_engine
from shared.domain.impact import Impact
from shared.domain.jobs import IMAGE_GENERATION
from shared.domain.status import JobStatus, RecordKind
from shared.policy import CAPTURE_CREDITS
from tests.integration.celery_lab import running_lab
from tests.integration.celery_lab import until as until_in_lab
from tests.integration.temporal_cell import MakeCell, started, until

pytest_plugins = ("tests.integration.temporal_fixtures",)

CRASH = "kill@before_effect:capture_credits"
BUDGET_S = 6.0
# Without a budget the step's own limit of 30 s would be waited for.
LIMIT_S = 20.0
ONCE = ["reserve_credits", "capture_credits", "notify_user"]


async def test_temporal_starts_a_killed_workers_cpu_step_again_by_the_budget(
    new_cell: MakeCell,
) -> None:
    cell = await started(
        new_cell, "cpu", "cpu", "gpu", detection_budget_s=BUDGET_S, crash_point=CRASH
    )
    job_id = await cell.submit(steps=3)
    await until(
        "the worker has struck itself",
        lambda: cell.records(job_id, CAPTURE_CREDITS, RecordKind.CRASH_POINT),
    )
    trace = await cell.engine.trace(job_id)
    assert trace.due_in_s is not None
    assert trace.due_in_s <= (cell.engine.bounds()[Impact.KILLED].seconds or 0)
    await until(
        "the step is started again",
        lambda: len(cell.records(job_id, CAPTURE_CREDITS, RecordKind.STARTED)) == 2,
        LIMIT_S,
    )
    assert (await cell.finished(job_id)).status is JobStatus.SUCCEEDED
    assert cell.sink.of(job_id) == ONCE


@pytest.mark.parametrize("profile", ["hardened", "renewed"])
async def test_celery_starts_a_killed_workers_cpu_step_again_by_the_budget(
    tmp_path: Path, profile: str
) -> None:
    with running_lab(tmp_path, profile, detection_budget_s=BUDGET_S, crash_point=CRASH) as lab:
        for role, name in (("cpu", "cpu-0"), ("cpu", "cpu-1"), ("gpu", "gpu-0")):
            lab.worker(role, name)
        engine = create_engine(lab.settings)
        await engine.start()
        job_id, request = lab.register(steps=3)
        await engine.submit(job_id, IMAGE_GENERATION, request)

        def of_kind(kind: RecordKind) -> int:
            return [r.kind for r in lab.records(job_id, CAPTURE_CREDITS)].count(kind)

        until_in_lab(lambda: of_kind(RecordKind.CRASH_POINT), "the worker has struck itself")
        trace = await engine.trace(job_id)
        assert trace.due_in_s is not None
        assert trace.due_in_s <= (engine.bounds()[Impact.KILLED].seconds or 0)
        until_in_lab(lambda: of_kind(RecordKind.STARTED) == 2, "the step is started again", LIMIT_S)
        until_in_lab(lambda: lab.applied(job_id) == ONCE, "every effect is applied once")
        await engine.close()
