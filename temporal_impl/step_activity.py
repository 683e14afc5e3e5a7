"""What every activity does around its step: run it as an attempt, tell the server of its end."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from temporalio import activity
from temporalio.exceptions import ApplicationError, ApplicationErrorCategory, CancelledError

from shared.domain.errors import JobCancelled, StepRefused, Superseded, WorkerStopping
from shared.ports.step_context import StepContext
from shared.runtime import Runtime
from temporal_impl import profile as profiles
from temporal_impl.context import ActivityHost

R = TypeVar("R")


class StepActivities:
    """The activities of a workload, a step each, run in threads.

    The SDK cancels a thread by an exception at any bytecode, which can be between an effect and
    its commit; so each activity switches that off, and its step asks at its own boundaries.
    """

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._resumes = profiles.load(runtime.settings).resumes

    def _run(
        self, job_id: str, step: str, work: Callable[[StepContext], R], result_type: type[R]
    ) -> R:
        """Run `work` as an attempt of the step and return its result; raises the SDK's errors."""
        with _as_temporal_error():
            host = ActivityHost(step, resumes=self._resumes)
            return self._runtime.runner.run(job_id, step, host, work, result_type)


@contextmanager
def _as_temporal_error() -> Iterator[None]:
    """Tell the server which errors end the step; every other one is tried again."""
    try:
        yield
    except StepRefused as error:
        raise ApplicationError(str(error), type=type(error).__name__, non_retryable=True) from error
    except JobCancelled as error:
        details = activity.cancellation_details()
        if details is not None and details.cancel_requested:
            raise CancelledError(str(error)) from error
        # Not by this activity's own cancel: another execution released the credits.
        raise ApplicationError(str(error), type=type(error).__name__, non_retryable=True) from error
    except (Superseded, WorkerStopping) as error:
        # If a later attempt runs, the server refuses this report; if not, one has to follow.
        raise ApplicationError(
            str(error), type=type(error).__name__, category=ApplicationErrorCategory.BENIGN
        ) from error
