"""Celery behind the `Engine` port: submit by publishing, everything else from SQL and Redis."""

import asyncio
import json
import time
from collections.abc import Callable
from typing import Any, TypeVar

import redis
from kombu.exceptions import OperationalError

from celery_impl.app import PUBLISHER_SETTINGS, ChangeoverApp, build_publisher
from celery_impl.bounds import recovery_bounds
from celery_impl.flows import image_flow
from celery_impl.publication import Publications, Turn
from celery_impl.state import JobStates
from celery_impl.trace import Tracer
from shared.adapters.ledger import SqlLedger
from shared.adapters.sql import DatabaseError, connect, create_tables
from shared.adapters.workers import SqlWorkers
from shared.codec import from_json
from shared.domain.errors import EngineUnavailable
from shared.domain.ids import JobId
from shared.domain.jobs import (
    Bound,
    EffectiveSetting,
    EngineHealth,
    EngineTrace,
    EngineView,
    ImageJob,
)
from shared.settings import Settings

T = TypeVar("T")

_PATIENCE_S = 1.8
_SOCKET_TIMEOUT_S = 0.5
_POLL_S = 0.02


class CeleryEngine:
    """`Engine` on Celery and Redis. Blocking calls run in threads and are bounded."""

    name = "celery"

    def __init__(self, settings: Settings, app: ChangeoverApp) -> None:
        self._settings = settings
        self._app = app
        self._database = connect(settings.database_url)
        self._states = JobStates(self._database)
        self._publications = Publications(self._database)
        self._redis: Any = redis.Redis.from_url(
            settings.redis_url,
            socket_timeout=_SOCKET_TIMEOUT_S,
            socket_connect_timeout=_SOCKET_TIMEOUT_S,
            retry=None,
        )
        self._tracer = Tracer(
            self._redis,
            f"{settings.namespace}:",
            app.profile,
            self._states,
            SqlLedger(self._database),
            SqlWorkers(self._database),
        )

    async def start(self) -> None:
        await asyncio.to_thread(create_tables, self._database)

    async def close(self) -> None:
        await asyncio.to_thread(self._close)

    async def submit(self, job_id: JobId, workload: str, request: str) -> None:  # noqa: ARG002
        await self._bounded(lambda: self._submit(job_id, request))

    async def view(self, job_id: JobId) -> EngineView:
        job = await self._bounded(lambda: self._states.job(job_id))
        return EngineView(
            status=job.status,
            step=job.step,
            result=json.loads(job.result) if job.result else None,
            error=job.error if job.status.terminal else None,
            updated_at_s=job.updated_at_s,
        )

    async def cancel(self, job_id: JobId) -> None:
        await self._bounded(lambda: self._states.request_cancel(job_id))

    async def health(self) -> EngineHealth:
        try:
            return await self._bounded(self._health)
        except EngineUnavailable as error:
            return EngineHealth(False, "unknown", "unknown", str(error))

    async def trace(self, job_id: JobId) -> EngineTrace:
        return await self._bounded(lambda: self._tracer.trace(job_id))

    def bounds(self) -> dict[str, Bound]:
        return recovery_bounds(self._app.profile, self._settings)

    def settings(self) -> list[EffectiveSetting]:
        return [*self._app.profile.effective, *PUBLISHER_SETTINGS]

    def ui_url(self, job_id: JobId) -> str | None:  # noqa: ARG002 - Flower has no page of a job
        return None

    def _submit(self, job_id: JobId, request: str) -> None:
        n = from_json(ImageJob, request).n
        self._states.add(job_id, request)
        if not self._my_turn(job_id):
            return
        try:
            # A crash before it is redeemed has the next submission publish the flow again: the
            # same flow, with the same task ids, which repeats no step.
            image_flow(self._app, job_id, n).apply_async(retry=False)
        except Exception:
            self._publications.abandon(job_id)
            raise
        self._publications.redeem(job_id)

    def _my_turn(self, job_id: JobId) -> bool:
        give_up_at = time.monotonic() + _PATIENCE_S
        while time.monotonic() < give_up_at:
            match self._publications.claim(job_id, _PATIENCE_S):
                case Turn.YOURS:
                    return True
                case Turn.OVER:
                    return False
                case Turn.ANOTHERS:
                    time.sleep(_POLL_S)
        raise EngineUnavailable("another submission of this job is not getting through")

    def _health(self) -> EngineHealth:
        info = self._redis.info()
        server = info.get("server_name", "redis")
        version = info.get("valkey_version") or info["redis_version"]
        return EngineHealth(True, f"{server} {version}", self._persistence(info))

    def _persistence(self, info: dict[str, object]) -> str:
        try:
            config = self._redis.config_get("appendfsync", "save")
        except redis.ResponseError:  # managed servers forbid CONFIG
            config = {}
        if info["aof_enabled"]:
            return f"AOF, appendfsync {config.get('appendfsync', 'unknown')}"
        save = config.get("save", "unknown")
        return f"RDB, save {save}" if save else "none"

    def _close(self) -> None:
        self._app.close()
        self._redis.close()
        self._database.dispose()

    async def _bounded(self, call: Callable[[], T]) -> T:
        try:
            async with asyncio.timeout(_PATIENCE_S):
                return await asyncio.to_thread(call)
        except TimeoutError:
            raise EngineUnavailable(f"no answer within {_PATIENCE_S} s") from None
        except (OperationalError, redis.RedisError) as error:
            raise EngineUnavailable(f"Redis does not answer: {error}") from error
        except DatabaseError as error:
            raise EngineUnavailable(f"the database does not answer: {error}") from error


def create_engine(settings: Settings) -> CeleryEngine:
    """Return the engine; nothing is connected yet."""
    return CeleryEngine(settings, build_publisher(settings))
