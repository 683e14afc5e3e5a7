"""Publishes what jobs have announced."""

import logging
import time
from collections.abc import Callable, Collection, Mapping
from typing import Any

from celery import Celery
from kombu.exceptions import OperationalError

from celery_impl.kept_by_us.publication import Publications
from celery_impl.kept_by_us.state import JobStates
from celery_impl.signatures import Signature
from celery_impl.steps import Steps
from celery_impl.workload import JobState
from celery_impl.workloads import WORKLOADS
from shared.domain.errors import BadRequest, EngineUnavailable

PATIENCE_S = 1.8
_POLL_S = 0.02
_log = logging.getLogger(__name__)


class Publisher:
    """Publishes a job's flows, in turn with every other process that does so."""

    def __init__(
        self,
        app: Celery,
        states: JobStates,
        steps: Steps,
        publications: Publications,
        publishing: Mapping[str, Any],
    ) -> None:
        self._publishing = publishing
        self._app = app
        self._states = states
        self._steps = steps
        self._publications = publications

    def publish(self, job_id: str) -> None:
        """Return once the broker has all that the job has announced.

        `EngineUnavailable` or kombu's `OperationalError` if that cannot be had in time; a repeat
        of the call, or the sweeper, then publishes what is left.
        """
        give_up_at = time.monotonic() + PATIENCE_S
        while steps := self._publications.due(job_id):
            published = [self._publish(job_id, step) for step in steps]
            if all(published):
                return
            if not any(published):
                if time.monotonic() > give_up_at:
                    raise EngineUnavailable("another process is not getting this job through")
                time.sleep(_POLL_S)

    def publish_first(self, job_id: str, job: JobState, step: str) -> None:
        """Publish the flow of a job that the caller has just added and claimed.

        Nothing of it can have been begun, so nothing is read. Raises what `publish` raises.
        """
        self._send(job_id, step, lambda: self._flow_of(job_id, job, step, ()))

    def publish_or_leave(self, job_id: str) -> None:
        """Publish what the job has announced, or leave it to the sweeper.

        A process that does not know the job's workload leaves it to one that does.
        """
        try:
            self.publish(job_id)
        except (OperationalError, EngineUnavailable, BadRequest) as error:
            _log.warning("job %s is left to the sweeper: %s", job_id, error)

    def go_on(self, job_id: str) -> None:
        """Publish whatever is next in a job of which no message is under way; or leave it."""
        job, done = self._states.job(job_id), self._steps.finished(job_id)
        try:
            step = WORKLOADS[job.workload].next_step(job, done)
        except BadRequest as error:
            _log.warning("job %s cannot go on here: %s", job_id, error)
            return
        _log.warning("job %s goes on from %s", job_id, step)
        self._publications.announce(job_id, step)
        self.publish_or_leave(job_id)

    def _publish(self, job_id: str, step: str) -> bool:
        """Publish the flow that begins with `step`; False if it is another's turn."""
        if not self._publications.claim(job_id, step, PATIENCE_S):
            return False
        self._send(job_id, step, lambda: self._flow(job_id, step))
        return True

    def _send(self, job_id: str, step: str, flow: Callable[[], Signature]) -> None:
        try:
            # A crash before the claim is redeemed has the flow published once more: the same
            # flow, with the same task ids, which repeats no step.
            flow().apply_async(**self._publishing)
        except Exception:
            self._publications.abandon(job_id, step)
            raise
        self._publications.redeem(job_id, step)

    def _flow(self, job_id: str, first_step: str) -> Signature:
        job = self._states.job(job_id)
        return self._flow_of(job_id, job, first_step, self._steps.finished(job_id))

    def _flow_of(
        self, job_id: str, job: JobState, first_step: str, done: Collection[str]
    ) -> Signature:
        return WORKLOADS[job.workload].flow(self._app, job_id, job, first_step, done)
