"""Row 8, compensation (saga): what was done is undone in reverse order."""

from temporalio import activity, workflow
from temporalio.exceptions import ActivityError

from shared.domain.errors import StepRefused
from shared.ports.patterns import Claim, Support
from temporal_impl.patterns.job import Job
from temporal_impl.patterns.steps import work

CLAIM = Claim(
    Support.BUILT,
    "The Python SDK has no saga: a list and an `except` in the workflow, which outlives any worker "
    "(docs.temporal.io/design-patterns/saga-pattern).",
)


@activity.defn
def refused() -> None:
    raise StepRefused


@workflow.defn(name="saga")
class Saga:
    @workflow.run
    async def run(self, job: Job) -> None:
        self._job = job
        undo: list[str] = []
        try:
            for name in ("a", "b"):
                # Before it is done: a step that failed half-way is to be undone too.
                undo.append(f"undo_{name}")
                await self._step(f"do_{name}")
            await workflow.execute_activity(refused, **job.step("do_c"))
        except ActivityError:
            for step in reversed(undo):
                await self._step(step)
            raise

    async def _step(self, name: str) -> None:
        seconds = self._job.given["slow_s"] if self._job.given["slow"] == name else 0.0
        await workflow.execute_activity(work, seconds, **self._job.step(name))
