"""The app factory."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from shared.facade import job_routes, operator_routes, page_routes, problems, telemetry
from shared.facade.service import build_service
from shared.settings import Settings


def create_app(settings: Settings) -> FastAPI:
    """Return the facade. It starts, and answers, while engines and workers are down."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        app.state.service = build_service(settings)
        yield
        await app.state.service.router.close()

    app = FastAPI(title="Changeover", version="0.1.0", lifespan=lifespan)
    problems.install(app)
    app.middleware("http")(telemetry.observe)
    app.include_router(job_routes.router)
    app.include_router(operator_routes.router)
    app.include_router(page_routes.router)
    return app
