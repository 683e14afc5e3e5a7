"""What surrounds the comparison of a face session: it opens, it closes, its uploads go."""

from shared.domain.errors import StepRefused
from shared.domain.ids import JobId
from shared.ports.artifacts import Artifacts
from shared.ports.jobs import Jobs
from shared.ports.step_context import StepContext
from shared.ports.uploads import Uploads


def open_session(ctx: StepContext, jobs: Jobs) -> bool:
    """Begin a session, unless the facade has refused it meanwhile."""
    if not jobs.accept(JobId(ctx.job_id)):
        raise StepRefused("the submission of this job was refused; it must not run")
    return True


def close_session(ctx: StepContext, uploads: Uploads) -> bool:
    """End a session, however it went: from now on its uploads are kept for a while only."""
    uploads.finish(ctx.job_id)
    return True


def purge_uploads(uploads: Uploads, store: Artifacts, before_s: float) -> int:
    """Remove the files of sessions that were over before this Unix time; return how many.

    Safe to repeat, and to run twice at once.
    """
    forgotten = 0
    while portion := uploads.forget_finished(before_s, store.remove):
        forgotten += portion
    return forgotten
