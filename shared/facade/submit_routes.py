"""`/v1/jobs/{workload}`: submits a job, the same way for every workload."""

from collections.abc import Iterable
from typing import Any

from fastapi import APIRouter
from starlette.exceptions import HTTPException

from shared.facade.dependencies import IdempotencyKey, ServiceDep
from shared.facade.models import Accepted
from shared.facade.problems import SUBMISSION
from shared.workloads.workload import Workload


def submit_router(workload: Workload[Any, Any]) -> APIRouter:
    """Return the route that takes jobs of a workload."""
    router = APIRouter(prefix="/v1/jobs", tags=[workload.title])

    async def submit(
        body: workload.body,  # type: ignore[name-defined]  # each workload has its own
        service: ServiceDep,
        idempotency_key: IdempotencyKey = None,
    ) -> Accepted:
        request = body.request(idempotency_key)
        return Accepted.of(await service.submit(workload.name, request, idempotency_key))

    router.add_api_route(
        f"/{workload.name}",
        submit,
        methods=["POST"],
        status_code=202,
        responses=SUBMISSION,
        name=f"submit_{workload.name.replace('-', '_')}",
        description=workload.submitting,
    )
    return router


def refusals(served: Iterable[str]) -> APIRouter:
    """Return the answer to the submission of any workload that is not served here."""
    router = APIRouter(include_in_schema=False)
    names = ", ".join(sorted(served))

    @router.post("/v1/jobs/{workload}")
    async def refuse(workload: str) -> None:
        raise HTTPException(404, f"{workload[:60]!r} is not served here; submit to {names}")

    return router
