"""A job that was accepted stays accepted, however the requests for it overlap."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from shared.domain.errors import EngineUnavailable
from shared.domain.ids import JobId
from shared.facade.service import Service
from shared.ports.jobs import Acceptance
from shared.workloads.image_generation.steps import ImageJob
from tests.unit.shared.facade.conftest import Facade

_JOB = ImageJob("a red circle", "ada", n=1, seed=1, steps=2, width=64, height=64)

Submit = Callable[[JobId], Awaitable[None]]


def _submit(service: Service) -> Any:
    return service.submit("image-generation", _JOB, "key-1")


def _engine_answers(facade: Facade, monkeypatch: pytest.MonkeyPatch, submit: Submit) -> None:
    async def answer(job_id: JobId, workload: str, request: str) -> None:
        await submit(job_id)

    monkeypatch.setattr(facade.engine, "submit", answer)


def test_a_repeat_that_overlaps_a_refused_submit_gets_a_job_that_runs(
    facade: Facade, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A client that waited long enough repeats its request while the first is under way; the
    first then fails, and refuses the job that the second one has just handed in."""

    async def overlapping() -> tuple[Any, Any, list[JobId]]:
        repeated, refused, handed_in = asyncio.Event(), asyncio.Event(), []

        async def submit(job_id: JobId) -> None:
            handed_in.append(job_id)
            if len(handed_in) == 1:
                await repeated.wait()
                raise EngineUnavailable("its answer was lost")
            if len(handed_in) == 2:
                repeated.set()
                await refused.wait()

        _engine_answers(facade, monkeypatch, submit)
        first = asyncio.create_task(_submit(facade.service))
        while not handed_in:
            await asyncio.sleep(0.01)
        second = asyncio.create_task(_submit(facade.service))
        (failed,) = await asyncio.gather(first, return_exceptions=True)
        refused.set()
        return failed, await second, handed_in

    assert facade.client.portal is not None
    failed, job, handed_in = facade.client.portal.call(overlapping)
    assert isinstance(failed, EngineUnavailable)
    assert facade.view(job.job_id)["job_id"] == job.job_id
    assert facade.service.jobs.get(job.job_id).acceptance is Acceptance.ACCEPTED
    assert handed_in == [handed_in[0], handed_in[0], job.job_id]


def test_a_submit_that_is_refused_again_and_again_says_that_nothing_was_accepted(
    facade: Facade, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refused_meanwhile(job_id: JobId) -> None:
        facade.service.jobs.reject(job_id)

    _engine_answers(facade, monkeypatch, refused_meanwhile)
    assert facade.client.portal is not None
    with pytest.raises(EngineUnavailable, match="send it again"):
        facade.client.portal.call(_submit, facade.service)
