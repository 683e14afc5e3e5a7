"""What is kept of a job's steps: in SQL, by `kept_by_us.step_state`, or by Celery itself."""

from collections.abc import Callable, Collection
from typing import Any, Protocol

from celery import current_task, states

from celery_impl.signatures import task_id
from celery_impl.workload import JobState
from celery_impl.workloads import WORKLOADS


class Steps(Protocol):
    """Attempts and results of steps."""

    def begin_attempt(self, job_id: str, step: str) -> int:
        """Note that a worker has a step, and return the attempt's number, from 1."""
        ...

    def has_begun(self, job_id: str, step: str) -> bool:
        """Whether a worker ever had a step; True where nobody knows."""
        ...

    def keep(self, job_id: str, step: str, result: str) -> bool:
        """Store a step's result (JSON) in the caller's transaction; False if it goes elsewhere."""
        ...

    def finish(self, job_id: str, step: str, result: str) -> None:
        """Store the result of a step that `keep` has not stored."""
        ...

    def results(self, job_id: str) -> dict[str, str]:
        """Return the results of the finished steps by step name."""
        ...

    def finished(self, job_id: str) -> Collection[str]:
        """Return the steps that a flow which is published again may leave out."""
        ...


class BackendSteps:
    """`Steps` as Celery has them: results in its backend, under the ids of the steps' tasks.

    A message that is handed out again says nothing of its earlier deliveries, so that only retries
    count as attempts. Results are gone after `result_expires`.
    """

    def __init__(
        self,
        begun: Callable[[str, str], None],
        job: Callable[[str], JobState],
        backend: Any,
    ) -> None:
        self._begun = begun
        self._job = job
        self._backend = backend

    def begin_attempt(self, job_id: str, step: str) -> int:
        self._begun(job_id, step)
        return int(current_task.request.retries) + 1

    def has_begun(self, job_id: str, step: str) -> bool:  # noqa: ARG002
        return True

    def keep(self, job_id: str, step: str, result: str) -> bool:  # noqa: ARG002
        return False  # no transaction waits for Redis

    def finish(self, job_id: str, step: str, result: str) -> None:
        # Left to Celery it would be stored after the next step is published, which may then look
        # for it too early (celery/app/trace.py, trace_task).
        self._backend.store_result(task_id(job_id, step), result, states.SUCCESS)

    def results(self, job_id: str) -> dict[str, str]:
        job = self._job(job_id)
        steps = WORKLOADS[job.workload].steps(job)
        found = {step: self._backend.get_task_meta(task_id(job_id, step)) for step in steps}
        return {
            step: meta["result"] for step, meta in found.items() if meta["status"] == states.SUCCESS
        }

    def finished(self, job_id: str) -> Collection[str]:  # noqa: ARG002
        # None: a repeat of the whole flow repeats no work, since finished steps return what the
        # idempotency store has of them.
        return ()
