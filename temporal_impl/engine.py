"""The Temporal engine, as the facade and the bench see it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from urllib.parse import quote

from temporalio.api.workflowservice.v1 import GetClusterInfoRequest
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from shared.codec import from_json
from shared.domain.errors import BadRequest, EngineUnavailable
from shared.domain.ids import JobId
from shared.domain.jobs import (
    IMAGE_GENERATION,
    Bound,
    EffectiveSetting,
    EngineHealth,
    EngineTrace,
    EngineView,
    ImageJob,
)
from shared.ports.engine import Engine
from shared.settings import Settings
from temporal_impl import profile as profiles
from temporal_impl.bounds import recovery_bounds
from temporal_impl.client import CALL_S, connect_for_facade, explain, namespace_is_missing, settle
from temporal_impl.execution import JobExecution
from temporal_impl.messages import ImageOrder
from temporal_impl.profile import Execution
from temporal_impl.standalone_jobs import StandaloneJobs
from temporal_impl.workflow_jobs import WorkflowJobs


class TemporalEngine:
    """An `Engine` on one Temporal namespace. The workflow's or activity's id is the job's id."""

    name = "temporal"

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._profile = profiles.load(settings)
        self._connected: tuple[Client, JobExecution] | None = None
        self._calls = 0
        self._idle = asyncio.Event()
        self._idle.set()

    async def start(self) -> None:
        client = await connect_for_facade(self._settings)
        kind = (
            StandaloneJobs
            if self._profile.execution is Execution.STANDALONE_ACTIVITY
            else WorkflowJobs
        )
        self._connected = client, kind(client, self._profile)

    async def close(self) -> None:
        # A client has no close of its own: calls in flight end, then its connection is dropped.
        self._connected = None
        with suppress(TimeoutError):
            async with asyncio.timeout(CALL_S):
                await self._idle.wait()
        await settle()

    async def submit(self, job_id: JobId, workload: str, request: str) -> None:
        if workload != IMAGE_GENERATION:
            raise BadRequest(f"temporal does not know the workload {workload!r}")
        order = ImageOrder(job_id, from_json(ImageJob, request))
        async with self._call() as (_, jobs):
            await jobs.submit(order)

    async def view(self, job_id: JobId) -> EngineView:
        async with self._call() as (_, jobs):
            return await jobs.view(job_id)

    async def cancel(self, job_id: JobId) -> None:
        async with self._call() as (_, jobs):
            await jobs.cancel(job_id)

    async def health(self) -> EngineHealth:
        try:
            async with self._call() as (client, _):
                info = await client.workflow_service.get_cluster_info(GetClusterInfoRequest())
        except EngineUnavailable as error:
            return EngineHealth(False, "Temporal", "unknown", str(error))
        return EngineHealth(
            reachable=True,
            server=f"Temporal {info.server_version}",
            persistence=f"{info.persistence_store}, {info.history_shard_count} history shard(s)",
        )

    async def trace(self, job_id: JobId) -> EngineTrace:
        async with self._call() as (_, jobs):
            return await jobs.trace(job_id)

    def bounds(self) -> dict[str, Bound]:
        return recovery_bounds(self._profile, self._settings.stop_grace_s)

    def settings(self) -> list[EffectiveSetting]:
        return self._profile.effective_settings()

    def ui_url(self, job_id: JobId) -> str | None:
        base = self._settings.temporal_ui_url
        if base is None:
            return None
        namespace = f"{base.rstrip('/')}/namespaces/{self._settings.namespace}"
        if self._profile.execution is Execution.STANDALONE_ACTIVITY:
            # The page of an activity needs its run id, the list can do without.
            query = f'ActivityId="{job_id}"'
            return f"{namespace}/activities?query={quote(query)}"
        return f"{namespace}/workflows/{job_id}"

    @asynccontextmanager
    async def _call(self) -> AsyncIterator[tuple[Client, JobExecution]]:
        """Bound what is done inside, and turn a server that is down into `EngineUnavailable`."""
        if self._connected is None:
            raise EngineUnavailable("the Temporal engine is not started; await start() first")
        self._calls += 1
        self._idle.clear()
        try:
            async with asyncio.timeout(CALL_S):
                yield self._connected
        except (TimeoutError, RuntimeError) as error:
            # RuntimeError is what a lazy client's failed connection raises (SDK bridge).
            raise EngineUnavailable(explain(error, self._settings)) from error
        except RPCError as error:
            if error.status in _DOWN or namespace_is_missing(error):
                raise EngineUnavailable(explain(error, self._settings)) from error
            raise
        finally:
            self._calls -= 1
            if not self._calls:
                self._idle.set()


_DOWN = frozenset(
    {
        RPCStatusCode.UNAVAILABLE,
        RPCStatusCode.DEADLINE_EXCEEDED,
        RPCStatusCode.CANCELLED,
        RPCStatusCode.RESOURCE_EXHAUSTED,
        RPCStatusCode.INTERNAL,
        RPCStatusCode.UNKNOWN,
    }
)


def create_engine(settings: Settings) -> Engine:
    """Return the Temporal engine; nothing is connected yet."""
    return TemporalEngine(settings)
