"""The app factory."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from shared.facade import (
    file_routes,
    job_routes,
    operator_routes,
    page_routes,
    problems,
    review_routes,
    submit_routes,
)
from shared.facade.body_limit import BodyLimit
from shared.facade.intake import build_intake
from shared.facade.receiving import remove_leftovers
from shared.facade.service import build_service
from shared.facade.telemetry import Telemetry
from shared.settings import Settings
from shared.workloads.table import WORKLOADS


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
    served = [WORKLOADS[name] for name in sorted(settings.workloads)]
    for workload in served:
        app.include_router(submit_routes.submit_router(workload))
    if any(workload.waits for workload in served):
        app.include_router(review_routes.router)
        app.include_router(file_routes.router)
    app.include_router(submit_routes.refusals(settings.workloads))
    app.include_router(job_routes.router)
    app.include_router(operator_routes.router)
    app.include_router(page_routes.router)
    return app
