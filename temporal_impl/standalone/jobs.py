"""An image job as a Standalone Activity; none of these calls needs a worker."""

from datetime import timedelta

from temporalio.client import (
    ActivityExecutionDescription,
    ActivityExecutionStatus,
    ActivityFailureError,
    ActivityHandle,
    Client,
)
from temporalio.common import ActivityIDConflictPolicy, ActivityIDReusePolicy
from temporalio.exceptions import ActivityAlreadyStartedError
from temporalio.service import RPCError, RPCStatusCode

from shared.codec import from_json, to_dict
from shared.domain.ids import JobId
from shared.domain.jobs import EngineTrace, EngineView, ImageJob, ImageResult
from shared.domain.status import JobStatus
from shared.policy import RELEASE_CREDITS
from temporal_impl.execution import NotOnServerError, failed_view, not_found_is_not_on_server
from temporal_impl.messages import ImageOrder
from temporal_impl.options import StepOptions
from temporal_impl.profile import TemporalProfile
from temporal_impl.trace import PendingStep, held

# Registered under these names by the workers.
_RUN_JOB = "run_image_job"

_CANCELLED = "cancelled by the client"


class StandaloneJobs:
    """A `JobExecution` whose activity id is the job's id.

    The server closes an activity that is cancelled while no attempt runs, and runs no code for
    it; so a cancel starts the release as an activity of its own first.
    """

    def __init__(self, client: Client, profile: TemporalProfile) -> None:
        self._client = client
        self._profile = profile

    async def submit(self, job_id: JobId, workload: str, request: str) -> None:  # noqa: ARG002
        order = ImageOrder(job_id, from_json(ImageJob, request))
        await self._start(_RUN_JOB, job_id, order, self._profile.job_options(order.job))

    async def view(self, job_id: JobId) -> EngineView:
        job = await self._describe(job_id)
        closed_at_s = job.close_time.timestamp() if job.close_time else None
        if closed_at_s is None:
            return await _open_view(job)
        if job.canceled_reason and job.status is not ActivityExecutionStatus.COMPLETED:
            # Not only as CANCELED: if its worker died before it could stop, it timed out.
            return await self._cancelled_view(job_id, closed_at_s)
        try:
            result = await self._handle(job_id).result()
        except ActivityFailureError as error:
            return failed_view(error, closed_at_s)
        return EngineView(JobStatus.SUCCEEDED, result=to_dict(result), updated_at_s=closed_at_s)

    async def cancel(self, job_id: JobId) -> None:
        job = await self._describe(job_id, include_input=True)
        if job.close_time is not None:
            return
        await self._start(
            RELEASE_CREDITS,
            _release_id(job_id),
            await _order(job),
            self._profile.step_options(RELEASE_CREDITS),
        )
        try:
            await self._handle(job_id).cancel(reason=_CANCELLED)
        except RPCError as error:
            # It has closed meanwhile, or a cancel has been requested before.
            if error.status not in (RPCStatusCode.NOT_FOUND, RPCStatusCode.FAILED_PRECONDITION):
                raise

    async def trace(self, job_id: JobId) -> EngineTrace:
        job = await self._describe(job_id)
        if job.close_time is None:
            return held([PendingStep.of(await _step(job), job.raw_info)])
        release = await self._open_release(job_id)
        if release is not None:
            return held([PendingStep.of(RELEASE_CREDITS, release.raw_info)])
        status = job.status.name.lower()
        return EngineTrace(held=False, where=f"activity closed: {status}", closed=True)

    async def _cancelled_view(self, job_id: JobId, closed_at_s: float) -> EngineView:
        if await self._open_release(job_id) is not None:
            return EngineView(JobStatus.RUNNING, step=RELEASE_CREDITS, updated_at_s=closed_at_s)
        return EngineView(JobStatus.CANCELLED, updated_at_s=closed_at_s)

    async def _open_release(self, job_id: JobId) -> ActivityExecutionDescription | None:
        try:
            release = await self._describe(JobId(_release_id(job_id)))
        except NotOnServerError:
            return None
        return release if release.close_time is None else None

    async def _start(
        self, activity: str, activity_id: str, order: ImageOrder, options: StepOptions
    ) -> None:
        values = self._profile.profile.values
        try:
            await self._client.start_activity(
                activity,
                order,
                id=activity_id,
                task_queue=options.task_queue,
                start_to_close_timeout=timedelta(seconds=options.start_to_close_s),
                heartbeat_timeout=(
                    timedelta(seconds=options.heartbeat_timeout_s)
                    if options.heartbeat_timeout_s
                    else None
                ),
                retry_policy=options.retry.to_temporal() if options.retry else None,
                id_reuse_policy=ActivityIDReusePolicy[values["id_reuse_policy"]],
                id_conflict_policy=ActivityIDConflictPolicy[values["id_conflict_policy"]],
            )
        except ActivityAlreadyStartedError:
            # It is closed already: the same job, so the call has had its effect.
            return

    def _handle(self, job_id: JobId) -> ActivityHandle[ImageResult]:
        return self._client.get_activity_handle(job_id, result_type=ImageResult)

    async def _describe(
        self, job_id: JobId, *, include_input: bool = False
    ) -> ActivityExecutionDescription:
        with not_found_is_not_on_server():
            return await self._handle(job_id).describe(
                include_input=include_input, include_heartbeat_details=True
            )


def _release_id(job_id: JobId) -> str:
    return f"{job_id}/release"


async def _open_view(job: ActivityExecutionDescription) -> EngineView:
    pending = PendingStep.of(await _step(job), job.raw_info)
    if not pending.ever_started:
        return EngineView(JobStatus.ACCEPTED, updated_at_s=job.schedule_time.timestamp())
    updated_at_s = pending.last_heartbeat_s or pending.last_started_s
    return EngineView(JobStatus.RUNNING, step=pending.step, updated_at_s=updated_at_s)


async def _order(job: ActivityExecutionDescription) -> ImageOrder:
    inputs = await job.input([ImageOrder])
    assert inputs, "described without its input"
    order: ImageOrder = inputs[0]
    return order


async def _step(job: ActivityExecutionDescription) -> str:
    """Return the step of the last heartbeat; the server itself sees only one activity."""
    match await job.heartbeat_details():
        case [{"step": str(step)}, *_]:
            return step
        case _:
            return _RUN_JOB
