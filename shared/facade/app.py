"""The app factory."""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

from fastapi import APIRouter, FastAPI
from starlette.exceptions import HTTPException

from shared.domain.faces import FACE_SIMILARITY
from shared.domain.jobs import IMAGE_GENERATION
from shared.facade import (
    face_routes,
    file_routes,
    image_routes,
    job_routes,
    operator_routes,
    page_routes,
    problems,
)
from shared.facade.body_limit import BodyLimit
from shared.facade.intake import build_intake
from shared.facade.receiving import remove_leftovers
from shared.facade.service import build_service
from shared.facade.telemetry import Telemetry
from shared.settings import Settings

_WORKLOADS = {
    IMAGE_GENERATION: [image_routes.router],
    FACE_SIMILARITY: [face_routes.router, file_routes.router],
}


def create_app(settings: Settings) -> FastAPI:
    """Return the facade. It starts, and answers, while engines and workers are down."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        remove_leftovers()
        app.state.service = build_service(settings)
        app.state.intake = build_intake(settings, app.state.service)
        yield
        app.state.intake.close()
        await app.state.service.router.close()

    app = FastAPI(
        title="Changeover",
        version="0.1.0",
        lifespan=lifespan,
        responses=problems.documented({422: "The request is not valid; `detail` says why."}),
    )
    problems.install(app)
    app.add_middleware(BodyLimit)
    # Added last, it is outermost: what the limit refuses is counted too.
    app.add_middleware(Telemetry)
    for workload in sorted(settings.workloads):
        for router in _WORKLOADS[workload]:
            app.include_router(router)
    app.include_router(_refusals(settings.workloads))
    app.include_router(job_routes.router)
    app.include_router(operator_routes.router)
    app.include_router(page_routes.router)
    return app


def _refusals(served: Iterable[str]) -> APIRouter:
    """Return the answer to the submission of any workload that is not served here."""
    router = APIRouter(include_in_schema=False)
    names = ", ".join(sorted(served))

    @router.post("/v1/jobs/{workload}")
    async def refuse(workload: str) -> None:
        raise HTTPException(404, f"{workload[:60]!r} is not served here; submit to {names}")

    return router
