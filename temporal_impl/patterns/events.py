"""Row 6, wait for outside events with a deadline that is counted from the job's start."""

from datetime import timedelta
from typing import Any

from temporalio import workflow
from temporalio.exceptions import ApplicationError

from shared.ports.patterns import Claim, Support
from temporal_impl.patterns.job import Job
from temporal_impl.patterns.steps import work

CLAIM = Claim(
    Support.NATIVE,
    "Signals and timers are kept by the server while no worker is there; `wait_condition` waits "
    "for either (docs.temporal.io/develop/python/workflows/message-passing, "
    "docs.temporal.io/develop/python/workflows/timers). Senders say when they sent, so that an "
    "event that is late stays so if no worker was there to see the deadline pass.",
)
DEADLINE_PASSED = "DeadlinePassed"


@workflow.defn(name="events")
class Events:
    @workflow.init
    def __init__(self, job: Job) -> None:
        self._names = set(job.given["names"])
        self._came: dict[str, Any] = {}
        self._deadline = workflow.info().start_time + timedelta(seconds=job.given["deadline_s"])

    @workflow.signal
    def event(self, name: str, value: Any, sent_at_s: float) -> None:
        # A worker that was down at the deadline is given the signals before the timer, whichever
        # came first, and no signal says when the server received it.
        in_time = sent_at_s <= self._deadline.timestamp()
        if in_time and name in self._names:
            self._came.setdefault(name, value)

    @workflow.run
    async def run(self, job: Job) -> dict[str, Any]:
        left = max(self._deadline - workflow.now(), timedelta(milliseconds=1))
        try:
            await workflow.wait_condition(lambda: self._came.keys() == self._names, timeout=left)
        except TimeoutError:
            raise ApplicationError(
                "the deadline passed", self._came, type=DEADLINE_PASSED
            ) from None
        came = dict(self._came)
        await workflow.execute_activity(work, 0.0, **job.step("after"))
        return came
