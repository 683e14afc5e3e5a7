"""`/v1/jobs`: list, look, follow, cancel, fetch; the same for every workload."""

import asyncio
from collections.abc import AsyncIterator
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Response
from sse_starlette import EventSourceResponse, ServerSentEvent

from shared.domain.errors import BadRequest
from shared.domain.ids import JobId
from shared.domain.status import JobStatus
from shared.facade.dependencies import JobIdDep, ServiceDep
from shared.facade.models import JobPage, JobView
from shared.facade.problems import documented
from shared.facade.service import Service

router = APIRouter(prefix="/v1/jobs", tags=["jobs"])
_of_one_job = documented({404: "No job has this id.", 503: "The job's engine is down."})

_FOLLOW_EVERY_S = 0.25
_STATUS_SCAN_PAGES = 10


@router.get("")
async def list_jobs(
    service: ServiceDep,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
    before: Annotated[float | None, Query(description="`next` of the page before")] = None,
    engine: str | None = None,
    workload: str | None = None,
    status: JobStatus | None = None,
) -> JobPage:
    """List jobs, newest first."""
    found: list[JobView] = []
    more = True
    for _ in range(_STATUS_SCAN_PAGES):
        page = await service.page(limit=limit, before_s=before, engine=engine, workload=workload)
        more = len(page) == limit
        for created_at_s, view in page:
            before = created_at_s
            if status is None or view.status is status:
                found.append(view)
            if len(found) == limit:
                break
        if len(found) == limit or not more:
            break
    more = more or len(found) == limit
    query = {
        "limit": limit,
        "before": before,
        "engine": engine,
        "workload": workload,
        "status": status,
    }
    following = urlencode({name: value for name, value in query.items() if value is not None})
    return JobPage(jobs=found, next=f"/v1/jobs?{following}" if more else None)


@router.get("/{job_id}", responses=_of_one_job)
async def get_job(job_id: JobIdDep, service: ServiceDep) -> JobView:
    """Return one job; answers while every worker is down."""
    return await service.view(job_id)


@router.get("/{job_id}/events", response_class=EventSourceResponse, responses=_of_one_job)
async def follow_job(job_id: JobIdDep, service: ServiceDep) -> EventSourceResponse:
    """Stream the job's view as server-sent events (`job`) at every change until it is over."""
    first = await service.view(job_id)
    return EventSourceResponse(_changes(service, job_id, first), ping=15)


async def _changes(
    service: Service, job_id: JobId, view: JobView
) -> AsyncIterator[ServerSentEvent]:
    sent = ""
    while True:
        text = view.model_dump_json()
        if text != sent:
            yield ServerSentEvent(text, event="job")
            sent = text
        if view.status.terminal:
            return
        await asyncio.sleep(_FOLLOW_EVERY_S)
        view = await service.view(job_id)


@router.post("/{job_id}/cancel", status_code=202, responses=_of_one_job)
async def cancel_job(job_id: JobIdDep, service: ServiceDep) -> JobView:
    """Ask for a cancel. The job stops at its next step; a finished job is left as it is."""
    return await service.cancel(job_id)


@router.get("/{job_id}/artifacts/{name}", response_class=Response, responses=_of_one_job)
async def get_artifact(job_id: JobIdDep, name: str, service: ServiceDep) -> Response:
    """Return a file of the job."""
    try:
        media_type, data = await service.artifact(job_id, name)
    except KeyError:
        raise BadRequest(f"the content of {name!r} is missing from the artifact store") from None
    return Response(data, media_type=media_type)
