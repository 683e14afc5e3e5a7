"""What every task of this application does around its step: count, run, retry, give up."""

import time
from collections.abc import Callable
from typing import Any, NoReturn, TypeVar

from celery import Task, shared_task
from celery.exceptions import Ignore

from celery_impl.context import CeleryHost
from celery_impl.kept_by_us.application import ChangeoverApp
from celery_impl.kept_by_us.lost_child import StepRequest, last_holder
from celery_impl.signatures import step_of
from celery_impl.workload import JobState
from celery_impl.workloads import WORKLOADS
from shared.codec import to_json
from shared.domain.errors import AttemptsUsedUp, JobCancelled, StepRefused, Superseded
from shared.domain.status import JobStatus
from shared.policy import policy_of
from shared.ports.step_context import StepContext

R = TypeVar("R")

_STORED_WITHIN_S = 2.0
_LOOK_EVERY_S = 0.05


def step_task(step: str, name: str | None = None) -> Callable[[Callable[..., None]], Any]:
    """Register a function `(self: StepTask, job_id, ...)` as the task of a step in every app."""
    register: Callable[[Callable[..., None]], Any] = shared_task(
        bind=True, base=StepTask, name=name or step
    )
    return register


class StepTask(Task):  # type: ignore[misc]  # celery ships no types
    """A task that is one step of a job.

    It may be delivered again while it runs, after it ended, and after the job ended: the step
    runner's guard makes a repeat harmless, and a job that is over is left alone.
    """

    abstract = True
    app: ChangeoverApp
    Request = StepRequest

    def run_step(
        self,
        job_id: str,
        step: str,
        work: Callable[[StepContext, JobState], R],
        result_type: type[R],
        *,
        closing: bool = False,
    ) -> R:
        """Run one attempt of a step, with the job as it is kept, and store its result.

        A `closing` step runs whatever has become of the job, and its failure ends the job. Raises
        `Ignore` if the job needs this attempt no more, and else what the step raised: Celery tries
        it again (`autoretry_for`) or fails the task, which calls its errback.
        """
        states, steps = self.app.states, self.app.step_states
        job = states.job(job_id)
        if job.status.terminal or (job.compensated_for and not closing):
            raise Ignore
        if not closing and job.outcome is not None:
            # The task that failed died before its errback was published, or that is on its way.
            raise StepRefused(job.error)
        if not closing and job.cancel_requested:
            self._give_up(job_id, JobStatus.CANCELLED, JobCancelled(), closing)
        checkpoints = self.app.checkpoints
        host = CeleryHost(states, steps, checkpoints, job_id, step, heeds_stop=not closing)
        runner = self.app.runtime.runner
        try:
            if lost := last_holder(self.request, self.app.profile):
                runner.abandon_lost(job_id, step, lost)
            result = runner.run(job_id, step, host, lambda ctx: work(ctx, job), result_type)
        except Superseded:
            # The later attempt goes on with the flow.
            raise Ignore from None
        except JobCancelled as error:
            self._give_up(job_id, JobStatus.CANCELLED, error, closing)
        except StepRefused as error:
            self._give_up(job_id, JobStatus.FAILED, error, closing)
        except Exception as error:
            # Attempts, of which every delivery is one, may be used up before Celery's retries are.
            if not self.app.profile.retries or host.attempt >= policy_of(step).maximum_attempts:
                used_up = AttemptsUsedUp(str(error) or repr(error))
                self._give_up(job_id, JobStatus.FAILED, used_up, closing)
            raise
        if not host.kept:
            steps.finish(job_id, step, to_json(result))
        return result

    def settle_failure(self, job_id: str) -> None:
        """As an errback, say that the job fails, if the failed task could not say so itself."""
        if self.app.states.job(job_id).outcome is None:
            # It lost its process or its time.
            reason = self._reason(self.request.parent_id)
            self.app.states.decide_outcome(job_id, JobStatus.FAILED, reason)

    def went_astray(self, job_id: str) -> bool:
        """As an errback, whether it is a message that failed and no step.

        The step of the failed task has a result, and what follows it could not be published; or
        it was never begun although all before it is finished, and so could not be published
        itself, as the body of a chord. What is in SQL then says how the job goes on.
        """
        states, steps = self.app.states, self.app.step_states
        job = states.job(job_id)
        if not self.app.profile.recovers or job.outcome is not None or job.cancel_requested:
            return False
        done, step = steps.results(job_id), step_of(self.request.parent_id)
        next_step = WORKLOADS[job.workload].next_step(job, done)
        return step in done or (step == next_step and not steps.has_begun(job_id, step))

    def _reason(self, failed_task: str) -> str:
        # The errbacks of a chord's body are called before its failure is stored
        # (celery/backends/base.py, chord_error_from_stack).
        give_up_at = time.monotonic() + _STORED_WITHIN_S
        failed = self.AsyncResult(failed_task)
        while (error := failed.result) is None:
            if time.monotonic() > give_up_at:
                return f"{failed_task} failed and left no reason"
            time.sleep(_LOOK_EVERY_S)
        if failed.successful():
            return f"{failed_task} has finished, and what follows could not be published"
        return str(error)

    def _give_up(
        self, job_id: str, outcome: JobStatus, error: Exception, closing: bool
    ) -> NoReturn:
        reason = str(error) or repr(error)
        if closing:
            self.app.states.close(job_id, outcome, error=f"{self.name}: {reason}")
        else:
            self.app.states.decide_outcome(job_id, outcome, reason)
        raise error
