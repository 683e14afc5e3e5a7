"""Health, metrics, and what only an operator or the bench asks."""

from fastapi import APIRouter, Response
from fastapi.responses import JSONResponse
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from shared.codec import to_dict
from shared.facade.dependencies import JobIdDep, ServiceDep
from shared.facade.telemetry import REGISTRY, report_stuck
from shared.ports.jobs import RegisteredJob

router = APIRouter(tags=["operator"])


@router.get("/healthz")
async def healthz() -> dict[str, bool]:
    """Whether this process serves."""
    return {"ok": True}


@router.get("/readyz")
async def readyz(service: ServiceDep) -> JSONResponse:
    """200 once a job submitted now would run, else 503 with what is missing."""
    readiness = await service.readiness()
    return JSONResponse(readiness, status_code=200 if readiness["ready"] else 503)


@router.get("/metrics", response_class=Response)
async def metrics(service: ServiceDep) -> Response:
    """Prometheus metrics: of this process, and how many jobs are stuck."""
    report_stuck(await service.stuck_jobs())
    return Response(generate_latest(REGISTRY), media_type=CONTENT_TYPE_LATEST)


@router.get("/v1/operator/workers")
async def workers(service: ServiceDep) -> list[dict[str, object]]:
    """Live workers, as they announced themselves."""
    return [to_dict(worker) for worker in service.workers.alive()]


@router.get("/v1/operator/settings")
async def settings(service: ServiceDep) -> list[dict[str, object]]:
    """The flagged engine's settings in force, each with its reason and source."""
    engine = await service.router.for_new_jobs()
    return [to_dict(setting) for setting in engine.settings()]


@router.get("/v1/operator/bounds")
async def bounds(service: ServiceDep) -> dict[str, dict[str, object]]:
    """The flagged engine's recovery bound by fault, computed from its settings."""
    engine = await service.router.for_new_jobs()
    return {impact: to_dict(bound) for impact, bound in engine.bounds().items()}


@router.get("/v1/operator/jobs/{job_id}/trace")
async def trace(job_id: JobIdDep, service: ServiceDep) -> dict[str, object]:
    """Whether the job's engine still holds it, where, and when it will hand it out again."""
    job: RegisteredJob = service.jobs.get(job_id)
    engine = await service.router.of(job)
    return to_dict(await engine.trace(job.job_id))
