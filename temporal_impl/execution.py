"""What one job is on the server, a workflow or a Standalone Activity, as the engine uses it."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from temporalio.exceptions import ApplicationError, CancelledError
from temporalio.service import RPCError, RPCStatusCode

from shared.domain.errors import JobCancelled
from shared.domain.ids import JobId
from shared.domain.jobs import EngineTrace, EngineView
from shared.domain.status import JobStatus
from temporal_impl.refusals import namespace_is_missing


class JobExecution(Protocol):
    """The calls of the engine that differ between the two; raises the SDK's errors.

    `NotOnServerError` if the server has no open execution of the id, or for a view or a trace none
    at all.
    """

    async def submit(self, job_id: JobId, workload: str, request: str) -> None: ...

    async def view(self, job_id: JobId) -> EngineView: ...

    async def cancel(self, job_id: JobId) -> None: ...

    async def trace(self, job_id: JobId) -> EngineTrace: ...


class NotOnServerError(Exception):
    """The server has no execution of this id: never submitted, closed, or past its retention."""


@contextmanager
def not_found_is_not_on_server() -> Iterator[None]:
    """Raise `NotOnServerError` for the server's NOT_FOUND about a job."""
    try:
        yield
    except RPCError as error:
        if error.status is RPCStatusCode.NOT_FOUND and not namespace_is_missing(error):
            raise NotOnServerError from error
        raise


def root_cause(error: BaseException) -> BaseException:
    """Return the innermost cause; the SDK wraps a step's error once a level."""
    while error.__cause__ is not None:
        error = error.__cause__
    return error


def failed_view(error: BaseException, closed_at_s: float | None) -> EngineView:
    """Return the view of a job that ended with `error`."""
    cause = root_cause(error)
    released = isinstance(cause, ApplicationError) and cause.type == JobCancelled.__name__
    if released or isinstance(cause, CancelledError):
        return EngineView(JobStatus.CANCELLED, updated_at_s=closed_at_s)
    text = getattr(cause, "message", "") or str(cause) or type(cause).__name__
    return EngineView(JobStatus.FAILED, error=text, updated_at_s=closed_at_s)
