"""Temporal behind the `Patterns` port: a job's name is its workflow's id.

A development server has to be started with the options in `server.py`.
"""

import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager

from temporalio.client import Client, WorkflowExecutionStatus, WorkflowFailureError
from temporalio.common import Priority
from temporalio.exceptions import ApplicationError
from temporalio.service import RPCError, RPCStatusCode

from shared.domain.errors import EngineUnavailable, UnknownJob
from shared.ports.patterns import Happening, Outcome, Patterns, State
from shared.settings import Settings
from temporal_impl.client import connect_for_facade, settle
from temporal_impl.connection import connection
from temporal_impl.patterns import approval, dynamic, rate_limit, visibility
from temporal_impl.patterns import schedule as schedules
from temporal_impl.patterns.events import DEADLINE_PASSED
from temporal_impl.patterns.idempotent_start import start_once
from temporal_impl.patterns.job import Job
from temporal_impl.patterns.priority import priority_of
from temporal_impl.patterns.progress import progress_of
from temporal_impl.refusals import explain, namespace_is_missing

_DOWN = frozenset({RPCStatusCode.UNAVAILABLE, RPCStatusCode.DEADLINE_EXCEEDED})


class TemporalPatterns:
    """`Patterns` on one Temporal namespace."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._to = connection(settings)
        self._client: Client | None = None
        self._limit_per_s: float | None = None

    async def start(self, pattern: str, job: str, given: Mapping[str, object]) -> None:
        async with self._call() as client:
            workflow_type, priority = pattern, Priority.default
            match pattern:
                case "dynamic":
                    workflow_type = dynamic.workflow_type(given)
                case "priority":
                    priority = priority_of(given)
                case "rate_limit":
                    await self._limit(client, float(str(given["per_s"])))
            await start_once(client, workflow_type, job, self._job(given), priority)

    async def state(self, job: str) -> State:
        async with self._call() as client:
            handle = client.get_workflow_handle(job)
            description = await handle.describe()
            if description.status is WorkflowExecutionStatus.RUNNING:
                done, total = await progress_of(description)
                return State(Outcome.OPEN, done=done, total=total)
            if description.status is WorkflowExecutionStatus.CANCELED:
                return State(Outcome.CANCELLED)
            try:
                return State(Outcome.DONE, await handle.result())
            except WorkflowFailureError as error:
                return _failed(error.cause)

    async def send(self, job: str, event: str, value: object) -> None:
        async with self._call() as client:
            handle = client.get_workflow_handle(job)
            try:
                await handle.signal("event", args=[event, value, time.time()])
            except RPCError as error:
                if error.status is not RPCStatusCode.NOT_FOUND:
                    raise
                # It is over, which drops the event; or it never was.
                await handle.describe()

    async def complete(self, token: str, value: object) -> None:
        async with self._call() as client:
            await approval.complete(client, token, value)

    async def cancel(self, job: str) -> None:
        async with self._call() as client:
            await client.get_workflow_handle(job).cancel()

    async def history(self, job: str) -> Sequence[Happening]:
        async with self._call() as client:
            history = await client.get_workflow_handle(job).fetch_history()
            return list(visibility.happenings(history))

    async def size(self, job: str) -> int:
        """Return the events of the job's current run: what a worker reads to go on with it."""
        async with self._call() as client:
            return (await client.get_workflow_handle(job).describe()).history_length

    async def put_schedule(self, schedule: str, every_s: float) -> None:
        async with self._call() as client:
            await schedules.put(client, schedule, every_s, self._job({}))

    async def pause_schedule(self, schedule: str, *, paused: bool) -> None:
        async with self._call() as client:
            await schedules.pause(client, schedule, paused)

    async def trigger_schedule(self, schedule: str) -> None:
        async with self._call() as client:
            await schedules.trigger(client, schedule)

    async def delete_schedule(self, schedule: str) -> None:
        async with self._call() as client:
            await schedules.delete(client, schedule)

    async def close(self) -> None:
        # A client has no close of its own.
        self._client = None
        await settle()

    def _job(self, given: Mapping[str, object]) -> Job:
        return Job(dict(given), self._settings.detection_budget_s)

    async def _limit(self, client: Client, per_s: float) -> None:
        if per_s != self._limit_per_s:
            await rate_limit.limit(client, per_s)
            self._limit_per_s = per_s

    @asynccontextmanager
    async def _call(self) -> AsyncIterator[Client]:
        if self._client is None:
            self._client = await connect_for_facade(self._to)
        try:
            yield self._client
        except RPCError as error:
            if namespace_is_missing(error) or error.status in _DOWN:
                raise EngineUnavailable(explain(error, self._to)) from error
            if error.status is RPCStatusCode.NOT_FOUND:
                raise UnknownJob(str(error)) from error
            raise
        except RuntimeError as error:
            # What a lazy client's failed connection raises (SDK bridge).
            raise EngineUnavailable(explain(error, self._to)) from error


def _failed(cause: BaseException) -> State:
    if isinstance(cause, ApplicationError) and cause.type == DEADLINE_PASSED:
        return State(Outcome.TIMED_OUT, cause.details[0], error=cause.message)
    while cause.__cause__ is not None:
        cause = cause.__cause__
    return State(Outcome.FAILED, error=str(cause))


def create_patterns(settings: Settings) -> Patterns:
    """Return one environment's patterns; nothing is connected yet."""
    return TemporalPatterns(settings)
