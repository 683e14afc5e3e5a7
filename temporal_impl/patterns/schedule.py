"""Row 14, schedule with pause, trigger now and change."""

from dataclasses import replace
from datetime import timedelta

from temporalio import workflow
from temporalio.client import (
    Client,
    Schedule,
    ScheduleActionStartWorkflow,
    ScheduleAlreadyRunningError,
    ScheduleIntervalSpec,
    ScheduleOverlapPolicy,
    ScheduleSpec,
    ScheduleUpdate,
    ScheduleUpdateInput,
)

from shared.ports.patterns import Claim, Support
from temporal_impl.patterns.job import CPU, Job
from temporal_impl.patterns.steps import work

CLAIM = Claim(
    Support.NATIVE,
    "A Schedule lives in the server, not in a process: pause, trigger and update are calls "
    "(docs.temporal.io/develop/python/workflows/schedules).",
)


@workflow.defn(name="tick")
class Tick:
    @workflow.run
    async def run(self, job: Job) -> None:
        await workflow.execute_activity(work, 0.0, **job.step("tick"))


async def put(client: Client, schedule: str, every_s: float, job: Job) -> None:
    """Create a schedule, or change its period; one that is paused stays so."""
    spec = ScheduleSpec(intervals=[ScheduleIntervalSpec(every=timedelta(seconds=every_s))])
    # The server adds the time to the id, so that a tick cannot be started twice.
    tick = ScheduleActionStartWorkflow(
        Tick.run, job, id=f"{schedule}/tick", task_queue=CPU, task_timeout=job.part(0.5)
    )

    def change(now: ScheduleUpdateInput) -> ScheduleUpdate:
        return ScheduleUpdate(replace(now.description.schedule, spec=spec))

    try:
        await client.create_schedule(schedule, Schedule(action=tick, spec=spec))
    except ScheduleAlreadyRunningError:
        await client.get_schedule_handle(schedule).update(change)


async def pause(client: Client, schedule: str, paused: bool) -> None:
    """Pause a schedule, or let it go on."""
    handle = client.get_schedule_handle(schedule)
    await (handle.pause() if paused else handle.unpause())


async def trigger(client: Client, schedule: str) -> None:
    """Start one tick now, also while it is paused or another one runs."""
    await client.get_schedule_handle(schedule).trigger(overlap=ScheduleOverlapPolicy.ALLOW_ALL)


async def delete(client: Client, schedule: str) -> None:
    """End a schedule; ticks that run are left alone."""
    await client.get_schedule_handle(schedule).delete()
