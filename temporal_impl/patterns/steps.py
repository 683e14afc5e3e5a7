"""Steps are activities whose id is the step's name; the ledger is written around each of them."""

from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import replace
from typing import Any

from temporalio import activity
from temporalio.exceptions import CancelledError
from temporalio.worker import ActivityInboundInterceptor, ExecuteActivityInput, Interceptor

from shared.domain.errors import JobCancelled
from shared.ports.ledger import Ledger
from shared.workloads.pattern_steps import Attempt, attempt, nap

_attempt: ContextVar[Attempt] = ContextVar("attempt")


@activity.defn
def work(seconds: float) -> None:
    """The step of the rows that ask for no special one."""
    nap(seconds)


def this_attempt() -> Attempt:
    """Return the attempt that is running in this thread."""
    return _attempt.get()


class InLedger(Interceptor):
    """Records every attempt, in the activity's own thread."""

    def __init__(self, ledger: Ledger, worker: str) -> None:
        self._ledger = ledger
        self._worker = worker

    def intercept_activity(self, next: ActivityInboundInterceptor) -> ActivityInboundInterceptor:
        return _Recorded(next, self._ledger, self._worker)


class _Recorded(ActivityInboundInterceptor):
    def __init__(self, next: ActivityInboundInterceptor, ledger: Ledger, worker: str) -> None:
        super().__init__(next)
        self._ledger = ledger
        self._worker = worker

    async def execute_activity(self, input: ExecuteActivityInput) -> Any:
        return await self.next.execute_activity(replace(input, fn=self._around(input.fn)))

    def _around(self, step: Callable[..., Any]) -> Callable[..., Any]:
        info = activity.info()
        # A child's and a tick's workflow have their job's name before the first slash.
        job = (info.workflow_id or "").partition("/")[0]

        def recorded(*arguments: Any) -> Any:
            with attempt(self._ledger, job, info.activity_id, info.attempt, self._worker) as this:
                _attempt.set(this)
                return step(*arguments)

        def cancellable(*arguments: Any) -> Any:
            try:
                return recorded(*arguments)
            except JobCancelled as error:
                raise CancelledError(str(error)) from error

        return cancellable
