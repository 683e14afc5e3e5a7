"""What the routes do, free of HTTP: accept, look up, list, review, cancel."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from shared.adapters.artifacts import FsspecArtifacts
from shared.adapters.jobs import SqlJobs
from shared.adapters.ledger import SqlLedger
from shared.adapters.sql import connect, create_tables
from shared.adapters.uploads import SqlUploads
from shared.adapters.workers import SqlWorkers
from shared.codec import to_dict, to_json
from shared.domain.errors import Conflict, EngineUnavailable, UnknownJob
from shared.domain.ids import JobId
from shared.domain.jobs import EngineView
from shared.domain.status import JobStatus
from shared.facade.models import JobView
from shared.facade.views import job_view
from shared.ports.artifacts import Artifacts
from shared.ports.jobs import Acceptance, Jobs, RegisteredJob
from shared.ports.ledger import Ledger
from shared.ports.uploads import Upload, Uploads
from shared.ports.workers import Workers
from shared.routing.router import Router
from shared.settings import Settings
from shared.workloads.table import WORKLOADS

_SUBMIT_TRIES = 3


@dataclass(frozen=True, slots=True)
class Service:
    """The facade's ports, wired."""

    router: Router
    jobs: Jobs
    ledger: Ledger
    workers: Workers
    artifacts: Artifacts
    uploads: Uploads

    async def submit(
        self, workload: str, request: object, idempotency_key: str | None
    ) -> RegisteredJob:
        """Register a job, hand it to the flagged engine and return it once it is accepted.

        `EngineUnavailable` means that nothing was accepted: the job can never run. `Conflict` if
        the key came with another request.
        """
        for _ in range(_SUBMIT_TRIES):
            job = await asyncio.to_thread(
                self.jobs.register, workload, self.router.flag, to_json(request), idempotency_key
            )
            if await self._hand_in(job):
                return job
            # Another request with this key was under way, failed, and refused the job meanwhile.
            # Whatever the engine has of it stops at its gate, and the key is free for a new job.
        raise EngineUnavailable(
            "other requests with the same Idempotency-Key failed while this one was under way;"
            " nothing was accepted: send it again"
        )

    async def _hand_in(self, job: RegisteredJob) -> bool:
        """Return whether the job is accepted; `EngineUnavailable` if this very request refused it.

        The engine may have the job even if it did not answer. Its first step and every request for
        the job race to decide; whoever is first, all go by the outcome.
        """
        if job.acceptance is Acceptance.ACCEPTED:
            return True
        engine = await self.router.of(job)
        try:
            await engine.submit(job.job_id, job.workload, job.request)
        except EngineUnavailable:
            if await asyncio.to_thread(self.jobs.reject, job.job_id):
                raise
            return True
        return await asyncio.to_thread(self.jobs.accept, job.job_id)

    async def view(self, job_id: JobId) -> JobView:
        """Return one job; `UnknownJob` if there is none."""
        return await self._view(await asyncio.to_thread(self.jobs.get, job_id))

    async def waiting_job(self, job_id: JobId) -> RegisteredJob:
        """Return one job that may wait for files or a person; `UnknownJob`, or `Conflict`."""
        job = await asyncio.to_thread(self.jobs.get, job_id)
        if not WORKLOADS[job.workload].waits:
            names = ", ".join(name for name, workload in WORKLOADS.items() if workload.waits)
            raise Conflict(f"job {job_id} is a job of {job.workload}; only {names} can do this")
        return job

    async def state_of(self, job: RegisteredJob) -> EngineView:
        """Return what the job's engine knows of it."""
        if job.acceptance is Acceptance.PENDING:
            return EngineView(JobStatus.ACCEPTED)
        return await (await self.router.of(job)).view(job.job_id)

    async def _view(self, job: RegisteredJob) -> JobView:
        state = await self.state_of(job)
        # The records are read after the engine was asked, so that they never lag behind it.
        records = await asyncio.to_thread(self.ledger.of_job, job.job_id)
        artifacts = await asyncio.to_thread(self.jobs.artifacts, job.job_id)
        inputs = await self._inputs(job)
        url = (await self.router.of(job)).ui_url(job.job_id, job.workload)
        return job_view(job, state, records, artifacts, inputs, url)

    async def _inputs(self, job: RegisteredJob) -> Sequence[Upload]:
        if not WORKLOADS[job.workload].waits:
            return []
        uploads = await asyncio.to_thread(self.uploads.of_job, job.job_id)
        return sorted(uploads.values(), key=lambda upload: upload.slot)

    async def page(
        self, *, limit: int, before_s: float | None, engine: str | None, workload: str | None
    ) -> list[tuple[float, JobView]]:
        """Return views of accepted jobs with their creation times, newest first."""
        page = await asyncio.to_thread(
            lambda: self.jobs.page(limit=limit, before_s=before_s, engine=engine, workload=workload)
        )
        views = await asyncio.gather(*(self._view(job) for job in page))
        return list(zip((job.created_at_s for job in page), views, strict=True))

    async def cancel(self, job_id: JobId) -> JobView:
        """Ask the job's engine to cancel it, and return the job as it is now.

        Of a cancel that cannot be delivered the view says so.
        """
        job = await asyncio.to_thread(self.jobs.get, job_id)
        await (await self.router.of(job)).cancel(job.job_id)
        return await self._view(job)

    async def review(self, job_id: JobId, *, approved: bool, reviewer: str) -> JobView:
        """Hand a person's verdict to the job's engine, and return the job as it is now."""
        job = await self.waiting_job(job_id)
        engine = await self.router.of(job)
        await engine.review(job.job_id, approved=approved, reviewer=reviewer)
        return await self._view(job)

    async def artifact(self, job_id: JobId, name: str) -> tuple[str, bytes]:
        """Return an artifact's media type and content; `UnknownJob` if there is none."""
        await asyncio.to_thread(self.jobs.get, job_id)
        for artifact in await asyncio.to_thread(self.jobs.artifacts, job_id):
            if artifact.name == name:
                data = await asyncio.to_thread(self.artifacts.get, artifact.sha256)
                return artifact.media_type, data
        raise UnknownJob(f"job {job_id} has no artifact {name[:80]!r} (yet)")

    async def stuck_jobs(self) -> dict[str, int | None]:
        """Count by engine the jobs that cannot go on by themselves; None if it does not say."""
        counts: dict[str, int | None] = {}
        for engine in await self.router.serving():
            try:
                counts[engine.name] = await engine.stuck_jobs()
            except EngineUnavailable:
                counts[engine.name] = None
        return counts

    async def readiness(self) -> dict[str, object]:
        """Say whether a job submitted now would run, and what is missing if not."""
        engine = await self.router.for_new_jobs()
        health = await engine.health()
        alive = await asyncio.to_thread(self.workers.alive)
        roles = {worker.role for worker in alive if worker.engine == engine.name}
        missing = [f"no {role} worker" for role in ("cpu", "gpu") if role not in roles]
        if not health.reachable:
            missing.append(f"{engine.name} does not answer: {health.detail}")
        return {
            "ready": not missing,
            "engine": engine.name,
            "missing": missing,
            "health": to_dict(health),
        }


def build_service(settings: Settings) -> Service:
    """Wire the facade."""
    database = connect(settings.database_url, settings.durability)
    create_tables(database)
    return Service(
        router=Router(settings),
        jobs=SqlJobs(database),
        ledger=SqlLedger(database),
        workers=SqlWorkers(database),
        artifacts=FsspecArtifacts(settings.artifacts_url),
        uploads=SqlUploads(database),
    )
