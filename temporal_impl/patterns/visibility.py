"""Row 21, visibility: the full history of one job afterwards."""

from collections.abc import Iterator

from temporalio import workflow
from temporalio.api.enums.v1 import EventType
from temporalio.api.history.v1 import HistoryEvent
from temporalio.client import WorkflowHistory

from shared.ports.patterns import Claim, Happening, Support
from temporal_impl.patterns.job import Job
from temporal_impl.patterns.retries import flaky
from temporal_impl.patterns.steps import work

CLAIM = Claim(
    Support.NATIVE,
    "The event history, kept for the namespace's retention "
    "(docs.temporal.io/workflow-execution/event). Of failed attempts that were retried it has "
    "the number and the last one's error, not each one's time.",
)


@workflow.defn(name="visibility")
class Visibility:
    @workflow.run
    async def run(self, job: Job) -> None:
        await workflow.execute_activity(work, 0.0, **job.step("first"))
        await workflow.execute_activity(flaky, args=[1, False], **job.step("flaky"))
        await workflow.execute_activity(work, 0.0, **job.step("last"))


def happenings(history: WorkflowHistory) -> Iterator[Happening]:
    """Yield every event of a history; those of a step with its name."""
    steps: dict[int, str] = {}
    for event in history.events:
        scheduled = event.activity_task_scheduled_event_attributes
        if event.HasField("activity_task_scheduled_event_attributes"):
            steps[event.event_id] = scheduled.activity_id
        of = getattr(event, str(event.WhichOneof("attributes")))
        step = steps.get(getattr(of, "scheduled_event_id", event.event_id), "")
        yield Happening(step, _what(event), event.event_time.ToMicroseconds() / 1e6)


def _what(event: HistoryEvent) -> str:
    kind = EventType.Name(event.event_type).removeprefix("EVENT_TYPE_").lower().replace("_", " ")
    started = event.activity_task_started_event_attributes
    if started.attempt > 1:
        return f"{kind}, attempt {started.attempt} after: {started.last_failure.message}"
    return kind
