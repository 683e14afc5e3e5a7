"""The face session's thin activities: each runs one step of the shared business logic."""

import time

from temporalio import activity

from shared.domain.faces import FaceResult
from shared.policy import CLOSE_SESSION, COMPARE_FACES, NOTIFY_USER, OPEN_SESSION, SAVE_RESULT
from shared.runtime import Runtime
from shared.workloads.face_similarity import session, steps
from shared.workloads.face_similarity.workload import FACES
from temporal_impl.messages import CompareFaces, FaceOrder, SaveResult
from temporal_impl.step_activity import StepActivities


class FaceActivities(StepActivities):
    """The steps of a face session, and the purge of what sessions leave.

    The model has to be loaded before `compare_faces` is run.
    """

    def __init__(self, runtime: Runtime) -> None:
        super().__init__(runtime)
        self._parts = runtime.of(FACES)
        self._ports = self._parts.ports

    @activity.defn(no_thread_cancel_exception=True)
    def open_session(self, order: FaceOrder) -> bool:
        """Begin the session, unless the facade has refused it meanwhile."""
        jobs = self._runtime.jobs
        return self._run(
            order.job_id, OPEN_SESSION, lambda ctx: session.open_session(ctx, jobs), bool
        )

    @activity.defn(no_thread_cancel_exception=True)
    def compare_faces(self, task: CompareFaces) -> FaceResult:
        """Compare the two files, from the last frame that was looked at on."""
        embedder = self._parts.embedder
        return self._run(
            task.order.job_id,
            COMPARE_FACES,
            lambda ctx: steps.compare_faces(
                ctx, task.image_sha256, task.video_sha256, self._ports, embedder
            ),
            FaceResult,
        )

    @activity.defn(no_thread_cancel_exception=True)
    def save_result(self, task: SaveResult) -> FaceResult:
        """Store the result once, and return the one that is stored."""
        return self._run(
            task.order.job_id,
            SAVE_RESULT,
            lambda ctx: steps.save_result(ctx, task.result, self._ports),
            FaceResult,
        )

    # One task queue serves both workloads, and `notify_user` is the image job's there.
    @activity.defn(name="notify_session_user", no_thread_cancel_exception=True)
    def notify_user(self, order: FaceOrder) -> bool:
        """Tell the user."""
        return self._run(order.job_id, NOTIFY_USER, steps.notify_user, bool)

    @activity.defn(no_thread_cancel_exception=True)
    def close_session(self, order: FaceOrder) -> bool:
        """End the session: from now on its uploads are kept for a while only."""
        uploads = self._parts.uploads
        return self._run(
            order.job_id, CLOSE_SESSION, lambda ctx: session.close_session(ctx, uploads), bool
        )

    @activity.defn(no_thread_cancel_exception=True)
    def purge_uploads(self) -> int:
        """Remove uploads past their retention; of no job, so it leaves no record of an attempt."""
        parts = self._parts
        before_s = time.time() - self._runtime.settings.upload_retention_s
        return session.purge_uploads(parts.uploads, parts.upload_store, before_s)
