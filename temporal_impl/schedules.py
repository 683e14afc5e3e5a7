"""The Temporal Schedule of this project: uploads past their retention are purged.

It is server state: it outlives every worker, shows in the UI and in `temporal schedule list`, and
an operator may pause or trigger it (`temporal schedule toggle|trigger --schedule-id
purge-uploads`).
"""

from dataclasses import replace
from datetime import timedelta

from temporalio.client import (
    Client,
    Schedule,
    ScheduleActionStartWorkflow,
    ScheduleAlreadyRunningError,
    ScheduleIntervalSpec,
    ScheduleOverlapPolicy,
    SchedulePolicy,
    ScheduleSpec,
    ScheduleState,
    ScheduleUpdate,
    ScheduleUpdateInput,
)

from temporal_impl.options import CPU_TASK_QUEUE
from temporal_impl.purge_workflow import PurgeUploadsWorkflow

PURGE_UPLOADS = "purge-uploads"

# The server takes no less.
_SHORTEST_CATCHUP_S = 10.0


async def ensure_purge_schedule(client: Client, every_s: float) -> None:
    """Create the schedule, or give the one that is there this interval.

    Idempotent, and safe from several workers at once: whoever comes second finds it. A schedule
    that an operator has paused stays paused.
    """
    try:
        await client.create_schedule(PURGE_UPLOADS, _purge_every(every_s))
    except ScheduleAlreadyRunningError:
        handle = client.get_schedule_handle(PURGE_UPLOADS)
        known = (await handle.describe()).schedule
        if known.spec.intervals != _intervals(every_s):
            await handle.update(lambda given: _with_interval(given, every_s))


def _purge_every(every_s: float) -> Schedule:
    return Schedule(
        action=ScheduleActionStartWorkflow(
            PurgeUploadsWorkflow.run, id=PURGE_UPLOADS, task_queue=CPU_TASK_QUEUE
        ),
        spec=ScheduleSpec(intervals=_intervals(every_s)),
        policy=_policy(every_s),
        state=ScheduleState(note="removes the uploads of finished sessions past their retention"),
    )


def _with_interval(given: ScheduleUpdateInput, every_s: float) -> ScheduleUpdate:
    known = given.description.schedule
    spec = ScheduleSpec(intervals=_intervals(every_s))
    return ScheduleUpdate(replace(known, spec=spec, policy=_policy(every_s)))


def _intervals(every_s: float) -> list[ScheduleIntervalSpec]:
    return [ScheduleIntervalSpec(every=timedelta(seconds=every_s))]


def _policy(every_s: float) -> SchedulePolicy:
    # One purge does what missed ones would have done, so at most one is caught up with.
    catchup = timedelta(seconds=max(every_s, _SHORTEST_CATCHUP_S))
    return SchedulePolicy(overlap=ScheduleOverlapPolicy.SKIP, catchup_window=catchup)
