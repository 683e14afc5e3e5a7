"""The Temporal engine, as the facade and the bench see it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from urllib.parse import quote

from temporalio.api.workflowservice.v1 import GetClusterInfoRequest
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

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
from shared.ports.engine import Engine
from shared.settings import Settings
from temporal_impl import profile as profiles
from temporal_impl.bounds import recovery_bounds
from temporal_impl.client import CALL_S, connect_for_facade, settle
from temporal_impl.connection import Connection, connection
from temporal_impl.execution import JobExecution, NotOnServerError
from temporal_impl.face_sessions import FaceSessions
from temporal_impl.messages import Verdict
from temporal_impl.profile import Execution
from temporal_impl.refusals import explain, namespace_is_missing
from temporal_impl.standalone.jobs import StandaloneJobs
from temporal_impl.workflow_jobs import WorkflowJobs
from temporal_impl.workloads import WORKLOADS

_STUCK = (
    'ExecutionStatus = "Running" AND TemporalReportedProblems IN '
    '("category=WorkflowTaskFailed", "category=WorkflowTaskTimedOut")'
)
"""The server sets it at the fifth failure in a row, after about a minute, and takes it off again
(dynamic config system.numConsecutiveWorkflowTaskProblemsToTriggerSearchAttribute)."""


@dataclass(frozen=True, slots=True)
class _Connected:
    client: Client
    workflows: JobExecution
    standalone: JobExecution
    sessions: FaceSessions
    kinds: tuple[JobExecution, ...]
    """What a job may be on the server, the likeliest first."""


class TemporalEngine:
    """An `Engine` on one Temporal namespace. The workflow's or activity's id is the job's id.

    A face session is a workflow under every profile: it waits for the outside, and only a
    workflow can.
    """

    name = "temporal"

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._to: Connection = connection(settings)
        self._profile = profiles.load(settings)
        self._connected: _Connected | None = None
        self._calls = 0
        self._idle = asyncio.Event()
        self._idle.set()

    async def start(self) -> None:
        client = await connect_for_facade(self._to, self._profile)
        workflows = WorkflowJobs(client, self._profile, self._settings)
        standalone = StandaloneJobs(client, self._profile)
        sessions = FaceSessions(client, self._profile)
        alone = self._profile.execution is Execution.STANDALONE_ACTIVITY
        kinds = (standalone, workflows) if alone else (workflows,)
        self._connected = _Connected(client, workflows, standalone, sessions, kinds)

    async def close(self) -> None:
        # A client has no close of its own: calls in flight end, then its connection is dropped.
        self._connected = None
        with suppress(TimeoutError):
            async with asyncio.timeout(CALL_S):
                await self._idle.wait()
        await settle()

    async def submit(self, job_id: JobId, workload: str, request: str) -> None:
        alone = self._is_standalone(workload)
        async with self._call() as to:
            await (to.standalone if alone else to.workflows).submit(job_id, workload, request)

    async def view(self, job_id: JobId) -> EngineView:
        async with self._call() as to:
            for kind in to.kinds:
                with suppress(NotOnServerError):
                    return await kind.view(job_id)
        return EngineView(JobStatus.ACCEPTED)

    async def provide(self, job_id: JobId, slot: str, sha256: str) -> None:
        async with self._call() as to:
            await to.sessions.provide(job_id, slot, sha256)

    async def review(self, job_id: JobId, *, approved: bool, reviewer: str) -> None:
        async with self._call() as to:
            await to.sessions.review(job_id, Verdict(approved, reviewer))

    async def cancel(self, job_id: JobId) -> None:
        async with self._call() as to:
            for kind in to.kinds:
                # Not there: finished, or never submitted.
                with suppress(NotOnServerError):
                    await kind.cancel(job_id)
                    return

    async def health(self) -> EngineHealth:
        try:
            async with self._call() as to:
                info = await to.client.workflow_service.get_cluster_info(GetClusterInfoRequest())
        except EngineUnavailable as error:
            return EngineHealth(False, "Temporal", "unknown", str(error))
        return EngineHealth(
            reachable=True,
            server=f"Temporal {info.server_version}",
            persistence=f"{info.persistence_store}, {info.history_shard_count} history shard(s)",
        )

    async def trace(self, job_id: JobId) -> EngineTrace:
        async with self._call() as to:
            for kind in to.kinds:
                with suppress(NotOnServerError):
                    return await kind.trace(job_id)
        return EngineTrace(held=False, where="the server knows no such job")

    async def stuck_jobs(self) -> int:
        async with self._call() as to:
            try:
                return (await to.client.count_workflows(_STUCK)).count
            except RPCError as error:
                if error.status is RPCStatusCode.INVALID_ARGUMENT:
                    raise EngineUnavailable("this server reports no stuck workflows") from error
                raise

    def bounds(self) -> dict[Impact, Bound]:
        settings = self._settings
        # Of a real pipeline only its device knows; the bound then names its condition.
        silence_s = settings.simulated_step_s if settings.compute == "simulated" else 0.0
        return recovery_bounds(self._profile, settings.stop_grace_s, silence_s)

    def settings(self) -> list[EffectiveSetting]:
        return self._profile.effective_settings()

    def ui_url(self, job_id: JobId, workload: str) -> str | None:
        base = self._settings.temporal_ui_url
        if base is None:
            return None
        namespace = f"{base.rstrip('/')}/namespaces/{self._to.namespace}"
        if self._is_standalone(workload):
            # The page of an activity needs its run id, the list can do without.
            query = f'ActivityId="{job_id}"'
            return f"{namespace}/activities?query={quote(query)}"
        return f"{namespace}/workflows/{job_id}"

    def _is_standalone(self, workload: str) -> bool:
        alone = self._profile.execution is Execution.STANDALONE_ACTIVITY
        return WORKLOADS[workload].standalone and alone

    @asynccontextmanager
    async def _call(self) -> AsyncIterator[_Connected]:
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
            raise EngineUnavailable(explain(error, self._to)) from error
        except RPCError as error:
            if error.status in _DOWN or namespace_is_missing(error):
                raise EngineUnavailable(explain(error, self._to)) from error
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
