"""Runs one attempt of a step: ledger, idempotency guard, progress, commit.

Both engines call `StepRunner.run` and nothing else, so that what differs between them is only
what the engine itself does.
"""

from collections.abc import Callable
from typing import TypeVar

from shared.attempt import Attempt, WorkerPorts, step_key
from shared.codec import from_json, to_json
from shared.crash_points import Moment
from shared.domain.errors import AttemptsUsedUp, JobCancelled, StepRefused, Superseded
from shared.domain.status import RecordKind
from shared.policy import policy_of
from shared.ports.idempotency import LostProcess
from shared.ports.step_context import StepContext
from shared.ports.step_host import StepHost

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
        attempt.record(RecordKind.STARTED)
        try:
            stored = attempt.claim()
            if stored is not None:
                attempt.record(RecordKind.REPLAYED)
                return from_json(result_type, stored.result)
            limit = policy_of(step).maximum_attempts
            if host.attempt > limit:
                # Not "tried so often": one activity for a whole job counts its other steps' too.
                raise AttemptsUsedUp(f"{step} began in attempt {host.attempt}; {limit} are allowed")
            attempt.stop_if_told()
            attempt.record(RecordKind.WORKING)
            attempt.pass_point(Moment.BEFORE_WORK)
            result = work(attempt)
            attempt.commit(to_json(result))
        except BaseException as error:
            self._record_failure(attempt, error)
            raise
        # Chosen before the record of the end, which no other record may follow.
        crash_injector = attempt.chosen_by(Moment.AFTER_COMMIT)
        attempt.record(RecordKind.FINISHED, *attempt.reached)
        if crash_injector:
            crash_injector.crash()
        return result

    def abandon_lost(self, job_id: str, step: str, lost: LostProcess) -> None:
        """Give a step back in the place of a process that is known to be dead."""
        self.idempotency.abandon_lost(step_key(job_id, step), lost, self.lease_s)

    def _record_failure(self, attempt: Attempt, error: BaseException) -> None:
        if isinstance(error, Superseded):
            kind = RecordKind.SUPERSEDED
        elif isinstance(error, JobCancelled):
            kind = RecordKind.CANCELLED
        else:
            kind = RecordKind.FAILED
        if kind is not RecordKind.SUPERSEDED:
            attempt.abandon()
        detail = str(error) if isinstance(error, StepRefused) else repr(error)
        attempt.record(kind, *attempt.reached, detail=detail[:500])
