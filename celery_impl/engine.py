"""Celery behind the `Engine` port: submit by publishing, all else from SQL and the broker."""

import asyncio
import json
import time
from collections.abc import Callable
from typing import TypeVar

from celery_impl.app import PUBLISHER_SETTINGS, build_publisher
from celery_impl.bounds import recovery_bounds
from celery_impl.kept_by_us.application import ChangeoverApp
from celery_impl.kept_by_us.face_waits import Verdict
from celery_impl.kept_by_us.publisher import PATIENCE_S
from celery_impl.kept_by_us.queues import BROKER_ERRORS
from celery_impl.kept_by_us.running import Running
from celery_impl.trace import Tracer
from celery_impl.workloads import WORKLOADS
from shared.adapters.ledger import SqlLedger
from shared.adapters.sql import DatabaseError, connect, create_tables
from shared.adapters.workers import SqlWorkers
from shared.codec import from_json
from shared.domain.errors import EngineUnavailable
from shared.domain.ids import JobId
from shared.domain.impact import Impact
from shared.domain.jobs import (
    Bound,
    EffectiveSetting,
    EngineHealth,
    EngineTrace,
    EngineView,
)
from shared.domain.status import JobStatus
from shared.policy import COMPARE_FACES
from shared.settings import Settings

T = TypeVar("T")


class CeleryEngine:
    """`Engine` on Celery. Blocking calls run in threads and are bounded."""

    name = "celery"

    def __init__(self, settings: Settings, app: ChangeoverApp) -> None:
        self._settings = settings
        self._app = app
        self._database = connect(settings.database_url)
        app.open_state(self._database)
        self._queues = app.open_queues()
        running = Running(SqlLedger(self._database), SqlWorkers(self._database))
        self._tracer = Tracer(app, self._queues, running)

    async def start(self) -> None:
        await asyncio.to_thread(create_tables, self._database)

    async def close(self) -> None:
        await asyncio.to_thread(self._close)

    async def submit(self, job_id: JobId, workload: str, request: str) -> None:
        await self._bounded(lambda: self._submit(job_id, workload, request))

    async def view(self, job_id: JobId) -> EngineView:
        return await self._bounded(lambda: self._view(job_id))

    async def provide(self, job_id: JobId, slot: str, sha256: str) -> None:
        await self._bounded(lambda: self._provide(job_id, slot, sha256))

    async def review(self, job_id: JobId, *, approved: bool, reviewer: str) -> None:
        await self._bounded(lambda: self._review(job_id, Verdict(approved, reviewer)))

    async def cancel(self, job_id: JobId) -> None:
        await self._bounded(lambda: self._cancel(job_id))

    async def health(self) -> EngineHealth:
        try:
            return await self._bounded(self._health)
        except EngineUnavailable as error:
            return EngineHealth(False, "unknown", "unknown", str(error))

    async def trace(self, job_id: JobId) -> EngineTrace:
        return await self._bounded(lambda: self._tracer.trace(job_id))

    async def stuck_jobs(self) -> int:
        """Return 0: a worker drops a message that its code does not know, and nothing is tied to
        code; a job without a message is lost, or sent again.
        """
        return 0

    def bounds(self) -> dict[Impact, Bound]:
        return recovery_bounds(self._app.profile, self._settings)

    def settings(self) -> list[EffectiveSetting]:
        return [*self._app.profile.effective, *PUBLISHER_SETTINGS]

    def ui_url(self, job_id: JobId, workload: str) -> str | None:  # noqa: ARG002
        return None  # Flower has no page of a job

    def _submit(self, job_id: JobId, workload: str, request: str) -> None:
        runs = WORKLOADS[workload]
        # What cannot be read must not be accepted.
        from_json(runs.workload.request, request)
        waits_s = runs.input_wait_s(self._settings) if runs.input_wait_s else None
        deadline_s = None if waits_s is None else time.time() + waits_s
        added = self._app.states.add(
            job_id,
            workload,
            request,
            first_step=runs.first_step,
            deadline_s=deadline_s,
            claim_s=PATIENCE_S,
        )
        if added:
            self._app.publisher.publish_first(job_id, added, runs.first_step)
        else:
            self._app.publisher.publish(job_id)

    def _view(self, job_id: JobId) -> EngineView:
        job = self._app.states.job(job_id)
        result = job.result
        if job.status is JobStatus.REVIEW:
            # The job has no result yet; this is what its reviewer is to judge.
            result = self._app.step_states.results(job_id)[COMPARE_FACES]
        return EngineView(
            status=job.status,
            step=job.step,
            result=json.loads(result) if result else None,
            error=job.error if job.status.terminal else None,
            updated_at_s=job.updated_at_s,
        )

    def _provide(self, job_id: JobId, slot: str, sha256: str) -> None:
        # Only the last file needs the broker. Both engines say at once that theirs is down, with
        # the first file too, and take nothing.
        self._queues.ping()
        self._app.sessions.provide(job_id, slot, sha256)
        self._app.publisher.publish(job_id)

    def _review(self, job_id: JobId, verdict: Verdict) -> None:
        self._app.sessions.review(job_id, verdict)
        self._app.publisher.publish(job_id)

    def _cancel(self, job_id: JobId) -> None:
        # In this order: a session that begins to wait in between has seen the request.
        self._app.states.request_cancel(job_id)
        self._app.sessions.end_wait(job_id)
        self._app.publisher.publish(job_id)

    def _health(self) -> EngineHealth:
        broker = self._queues.facts()
        return EngineHealth(True, broker.server, broker.persistence)

    def _close(self) -> None:
        self._app.close()
        self._queues.close()
        self._database.dispose()

    async def _bounded(self, call: Callable[[], T]) -> T:
        try:
            async with asyncio.timeout(PATIENCE_S):
                return await asyncio.to_thread(call)
        except TimeoutError:
            raise EngineUnavailable(f"no answer within {PATIENCE_S} s") from None
        except BROKER_ERRORS as error:
            what = self._app.profile.broker.value
            raise EngineUnavailable(f"the broker ({what}) does not answer: {error}") from error
        except DatabaseError as error:
            raise EngineUnavailable(f"the database does not answer: {error}") from error


def create_engine(settings: Settings) -> CeleryEngine:
    """Return the engine; nothing is connected yet."""
    return CeleryEngine(settings, build_publisher(settings))
