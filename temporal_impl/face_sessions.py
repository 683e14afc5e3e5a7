"""What only face sessions are asked for: provide, review; none of it needs a worker."""

import time
from dataclasses import dataclass

from temporalio.client import Client, WorkflowExecutionStatus

from shared.domain.errors import BadRequest, JobOver
from shared.domain.faces import SLOTS
from shared.domain.ids import JobId
from shared.domain.status import JobStatus
from temporal_impl.execution import NotOnServerError, not_found_is_not_on_server
from temporal_impl.face_workflows import FaceSimilarityWorkflow
from temporal_impl.messages import Verdict
from temporal_impl.profile import TemporalProfile
from temporal_impl.session_memo import SessionMemo
from temporal_impl.workflow_calls import WorkflowCalls


class FaceSessions:
    """Looks at sessions and signals them.

    Signals, not updates: the server keeps a signal while every worker is down. So what a signal
    means is settled by the workflow; refused here is what its memo and the clock show to be too
    late. A file on its way at the very deadline may still be found too late by the workflow, whose
    result says which files counted. Plain signals, not signal-with-start: nobody has a job's id
    before its submit was answered.
    """

    def __init__(self, client: Client, profile: TemporalProfile) -> None:
        self._calls = WorkflowCalls(client, profile)

    async def provide(self, job_id: JobId, slot: str, sha256: str) -> None:
        """Hand a file to a session that waits or will wait; `JobOver` if it takes no more."""
        if slot not in SLOTS:
            raise BadRequest(
                f"a face session has no slot {slot!r}, only {', '.join(sorted(SLOTS))}"
            )
        session = await self._look(job_id)
        if session.open and slot in session.memo.inputs:
            # A client that repeats itself must not fill the history.
            return
        if not session.open or session.memo.phase not in (None, JobStatus.WAITING):
            raise JobOver(f"job {job_id} takes no more files; look at its status")
        # Late is late, also while no worker is there to act on it.
        if time.time() > session.files_until_s:
            raise JobOver(f"the deadline of job {job_id} for files has passed")
        await self._signal(job_id, "provide", [slot, sha256])

    async def review(self, job_id: JobId, verdict: Verdict) -> None:
        """Hand a verdict to a session in review; `JobOver` if it is not, or has another one."""
        session = await self._look(job_id)
        memo = session.memo
        if memo.verdict == verdict:
            return
        if not session.open or memo.phase is not JobStatus.REVIEW or memo.verdict:
            raise JobOver(f"job {job_id} is not in review (any more); look at its status")
        if memo.review_until_s is not None and time.time() > memo.review_until_s:
            raise JobOver(f"the deadline of job {job_id} for a review has passed")
        await self._signal(job_id, "review", [verdict.approved, verdict.reviewer])

    async def _look(self, job_id: JobId) -> "_Session":
        try:
            description = await self._calls.describe(job_id)
        except NotOnServerError:
            raise _gone(job_id) from None
        if description.workflow_type != FaceSimilarityWorkflow.__name__:
            raise BadRequest(f"job {job_id} is no face session")
        info = description.raw_description.workflow_extended_info
        return _Session(
            memo=SessionMemo.of(await description.memo()),
            open=description.status is WorkflowExecutionStatus.RUNNING
            and not info.cancel_requested,
            started_at_s=description.start_time.timestamp(),
        )

    async def _signal(self, job_id: JobId, name: str, args: list[object]) -> None:
        try:
            with not_found_is_not_on_server():
                await self._calls.handle(job_id).signal(name, args=args)
        except NotOnServerError:
            # It has closed since it was looked at.
            raise _gone(job_id) from None


@dataclass(frozen=True, slots=True)
class _Session:
    memo: SessionMemo
    open: bool
    started_at_s: float

    @property
    def files_until_s(self) -> float:
        return self.started_at_s + self.memo.input_deadline_s


def _gone(job_id: JobId) -> JobOver:
    return JobOver(f"job {job_id} is over, or past the server's retention")
