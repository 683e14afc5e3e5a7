"""A job that cannot go on by itself is seen: in its view, in a cancel's answer, in a metric."""

from typing import Any

import pytest

from shared.domain.ids import JobId
from shared.domain.jobs import EngineView
from shared.domain.status import JobStatus
from tests.unit.shared.facade.conftest import Facade

_WHY = "the workflow's code fails, attempt 5 of its task; a cancel has been asked for"


def test_the_answer_to_a_cancel_says_that_it_cannot_be_delivered(
    facade: Facade, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def stuck(_: JobId) -> EngineView:
        return EngineView(JobStatus.RUNNING, error=_WHY, stuck=True)

    job_id = facade.session()
    monkeypatch.setattr(facade.engine, "view", stuck)
    answer = facade.client.post(f"/v1/jobs/{job_id}/cancel")
    assert answer.status_code == 202
    view: dict[str, Any] = answer.json()
    assert (view["stuck"], view["error"]) == (True, _WHY)


def test_stuck_jobs_are_a_metric_by_engine_and_none_where_the_engine_does_not_say(
    facade: Facade,
) -> None:
    facade.session()
    facade.session()
    assert 'changeover_stuck_jobs{engine="celery"} 2.0' in facade.client.get("/metrics").text
    facade.engine.down = True
    answer = facade.client.get("/metrics")
    assert answer.status_code == 200
    assert "changeover_stuck_jobs{" not in answer.text
