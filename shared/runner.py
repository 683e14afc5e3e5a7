"""Runs one attempt of a step: ledger, idempotency guard, progress, commit.

Both engines call `StepRunner.run` and nothing else, so that what differs between them is only
what the engine itself does.
"""

from collections.abc import Callable
from typing import TypeVar

from shared.attempt import Attempt
from shared.codec import from_json, to_json
from shared.crash_points import Moment
from shared.domain.errors import JobCancelled, StepRefused, Superseded
from shared.domain.status import RecordKind
from shared.ports.idempotency import LostProcess
from shared.ports.step_context import StepContext
from shared.ports.step_host import StepHost
from shared.worker_ports import WorkerPorts, step_key

R = TypeVar("R")


class StepRunner(WorkerPorts):
    """Runs attempts with the ports of one worker."""

    def run(
        self,
        job_id: str,
        step: str,
        host: StepHost,
        work: Callable[[StepContext], R],
        result_type: type[R],
    ) -> R:
        """Run `work` as one attempt of `step` and return its result, now or as stored earlier.

        Raises `StepRefused` (never tried again), `JobCancelled`, `Superseded`, or whatever `work`
        raises (may be tried again).
        """
        attempt = Attempt(self, job_id, step, host)
        try:
            if stored := attempt.begin():
                return from_json(result_type, stored.result)
            attempt.pass_point(Moment.BEFORE_WORK)
            result = work(attempt)
            # Chosen before the record of the end, which no other record may follow.
            crash_injector = attempt.chosen_by(Moment.AFTER_COMMIT)
            attempt.commit(to_json(result))
        except BaseException as error:
            # An attempt that could not begin left nothing behind.
            if attempt.begun:
                _end_unfinished(attempt, error)
            raise
        if crash_injector:
            crash_injector.crash()
        return result

    def abandon_lost(self, job_id: str, step: str, lost: LostProcess) -> None:
        """Give a step back in the place of a process that is known to be dead."""
        self.idempotency.abandon_lost(step_key(job_id, step), lost, self.lease_s)


def _end_unfinished(attempt: Attempt, error: BaseException) -> None:
    if isinstance(error, Superseded):
        kind = RecordKind.SUPERSEDED
    elif isinstance(error, JobCancelled):
        kind = RecordKind.CANCELLED
    else:
        kind = RecordKind.FAILED
    detail = str(error) if isinstance(error, StepRefused) else repr(error)
    attempt.end_unfinished(kind, detail[:500])
