"""The purge of uploads as a workflow, which a Schedule starts."""

from datetime import timedelta

from temporalio import workflow
from temporalio.common import RetryPolicy

with workflow.unsafe.imports_passed_through():
    from temporal_impl.face_activities import FaceActivities
    from temporal_impl.options import CPU_TASK_QUEUE

_START_TO_CLOSE = timedelta(minutes=10)
# The schedule is the retry that does not end: one purge removes what a failed one has left.
_RETRY = RetryPolicy(maximum_attempts=5)


@workflow.defn
class PurgeUploadsWorkflow:
    """Removes uploads of sessions past their retention once; returns how many files."""

    @workflow.run
    async def run(self) -> int:
        return await workflow.execute_activity_method(
            FaceActivities.purge_uploads,
            task_queue=CPU_TASK_QUEUE,
            start_to_close_timeout=_START_TO_CLOSE,
            retry_policy=_RETRY,
        )
