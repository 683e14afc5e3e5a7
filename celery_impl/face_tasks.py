"""The tasks of face sessions: one a step, each as thin as its step is shared."""

import time

from celery_impl.face_flows import NOTIFY_SESSION_USER
from celery_impl.step_task import StepTask, step_task
from shared.codec import from_json, to_json
from shared.domain.faces import IMAGE, VIDEO, Decision, FaceResult
from shared.domain.status import JobStatus
from shared.policy import CLOSE_SESSION, COMPARE_FACES, NOTIFY_USER, OPEN_SESSION, SAVE_RESULT
from shared.workloads.face_similarity import session, steps
from shared.workloads.face_similarity.rules import reviewed
from shared.workloads.face_similarity.workload import FACES


@step_task(OPEN_SESSION)
def open_session(self: StepTask, job_id: str) -> None:
    """Begin a session, unless the facade has refused it; it then waits for its files."""
    jobs = self.app.runtime.jobs
    self.run_step(job_id, OPEN_SESSION, lambda ctx, _: session.open_session(ctx, jobs), bool)
    self.app.sessions.opened(job_id)
    self.app.publisher.publish_or_leave(job_id)


@step_task(COMPARE_FACES)
def compare_faces(self: StepTask, job_id: str) -> None:
    """Compare the two faces on the GPU; a person has a look at what is not clear."""
    parts, files = self.app.runtime.of(FACES), self.app.sessions.files(job_id)
    result = self.run_step(
        job_id,
        COMPARE_FACES,
        lambda ctx, _: steps.compare_faces(
            ctx, files[IMAGE], files[VIDEO], parts.ports, parts.embedder
        ),
        FaceResult,
    )
    review_until_s = None
    if result.decision is Decision.REVIEW:
        review_until_s = time.time() + self.app.settings.review_deadline_s
    self.app.sessions.compared(job_id, review_until_s=review_until_s)
    self.app.publisher.publish_or_leave(job_id)


@step_task(SAVE_RESULT)
def save_result(self: StepTask, job_id: str) -> None:
    """Store what was compared, or what a person made of it."""
    ports = self.app.runtime.of(FACES).ports
    result = from_json(FaceResult, self.app.step_states.results(job_id)[COMPARE_FACES])
    if verdict := self.app.sessions.verdict(job_id):
        result = reviewed(result, approved=verdict.approved)
    self.run_step(
        job_id,
        SAVE_RESULT,
        lambda ctx, _: steps.save_result(ctx, result, ports),
        FaceResult,
    )


@step_task(NOTIFY_USER, name=NOTIFY_SESSION_USER)
def notify_session_user(self: StepTask, job_id: str) -> None:
    """Tell the user: the point of no return."""
    self.run_step(job_id, NOTIFY_USER, lambda ctx, _: steps.notify_user(ctx), bool)


@step_task(CLOSE_SESSION)
def close_session(self: StepTask, job_id: str) -> None:
    """End a session: as its last step, after a deadline or a cancel, or as a step's errback."""
    if NOTIFY_USER in self.app.step_states.results(job_id):
        self.app.states.decide_outcome(job_id, JobStatus.SUCCEEDED)
    self.settle_failure(job_id)
    uploads = self.app.runtime.of(FACES).uploads
    self.run_step(
        job_id,
        CLOSE_SESSION,
        lambda ctx, _: session.close_session(ctx, uploads),
        bool,
        closing=True,
    )
    self.app.states.close_as_decided(job_id, _result(self, job_id))


def _result(task: StepTask, job_id: str) -> str | None:
    """Return what there is to show of a session, by how it ended."""
    results = task.app.step_states.results(job_id)
    match task.app.states.job(job_id).outcome:
        case JobStatus.SUCCEEDED:
            return results[SAVE_RESULT]
        case JobStatus.TIMED_OUT if COMPARE_FACES in results:
            return results[COMPARE_FACES]
        case JobStatus.TIMED_OUT:
            return to_json({"inputs": sorted(task.app.sessions.files(job_id))})
        case _:
            return None
