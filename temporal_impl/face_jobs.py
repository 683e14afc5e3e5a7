"""Face sessions on Temporal, as the engine and the workers see them."""

from collections.abc import Mapping
from typing import Any

from temporalio.client import WorkflowExecutionDescription

from shared.codec import from_dict, to_dict
from shared.domain.faces import FaceSession
from shared.domain.jobs import EngineView
from shared.domain.status import JobStatus
from shared.policy import OPEN_SESSION, Queue
from shared.runtime import Runtime
from shared.settings import Settings
from shared.workloads.face_similarity import workload
from temporal_impl.face_activities import FaceActivities
from temporal_impl.face_workflows import FaceSimilarityWorkflow
from temporal_impl.messages import FaceOrder, FaceWorkflowInput, SessionOutcome
from temporal_impl.options import StepOptions
from temporal_impl.purge_workflow import PurgeUploadsWorkflow
from temporal_impl.session_memo import SessionMemo
from temporal_impl.trace import PendingStep
from temporal_impl.workload import Served, TemporalWorkload, current_step, last_heard_of_s


class FaceJobs(TemporalWorkload):
    """One workflow a session, under every profile: it waits for the outside, as no activity can."""

    workload = workload.FACES
    workflow = FaceSimilarityWorkflow
    first_step = OPEN_SESSION

    def served(self, role: Queue, runtime: Runtime) -> Served:
        """The session's steps, and the purge of what sessions leave."""
        steps = FaceActivities(runtime)
        if role is Queue.GPU:
            return Served([], [steps.compare_faces])
        return Served(
            [FaceSimilarityWorkflow, PurgeUploadsWorkflow],
            [
                steps.open_session,
                steps.save_result,
                steps.notify_user,
                steps.close_session,
                steps.purge_uploads,
            ],
        )

    def given(
        self,
        job_id: str,
        request: FaceSession,
        options: dict[str, StepOptions],
        settings: Settings,
    ) -> tuple[object, Mapping[str, object] | None]:
        """The session, the options of its steps, and its deadlines, the first in the memo too."""
        order, until_s = FaceOrder(job_id, request), settings.input_deadline_s
        given = FaceWorkflowInput(order, options, until_s, settings.review_deadline_s)
        return given, {"input_deadline_s": until_s}

    async def open_view(
        self, description: WorkflowExecutionDescription, pending: list[PendingStep]
    ) -> EngineView:
        """What the memo shows."""
        memo = SessionMemo.of(await description.memo())
        since_s = memo.changed_at_s or description.start_time.timestamp()
        in_review = memo.phase is JobStatus.REVIEW
        return EngineView(
            memo.phase or JobStatus.ACCEPTED,
            step=current_step(pending),
            # The session has no result yet; this is what its reviewer is to judge.
            result=to_dict(memo.compared) if in_review and memo.compared else None,
            updated_at_s=last_heard_of_s(pending, since_s),
        )

    def ended_view(self, result: Any, closed_at_s: float | None) -> EngineView:
        """How the session ended: running into a deadline is one of its ends."""
        outcome = from_dict(SessionOutcome, result)
        return EngineView(outcome.status, result=outcome.result, updated_at_s=closed_at_s)

    async def waits_for(self, description: WorkflowExecutionDescription) -> str | None:
        """Its files, or a person."""
        return SessionMemo.of(await description.memo()).waits_for
