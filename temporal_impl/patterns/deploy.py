"""Row 20, deploy new code while jobs are in flight."""

from typing import Any

from temporalio import workflow

from shared.ports.patterns import Claim, Support
from temporal_impl.patterns.job import Job
from temporal_impl.patterns.steps import work

CLAIM = Claim(
    Support.NATIVE,
    "`workflow.patched`: a run that began without the patch's marker in its history keeps the old "
    "way, on any worker (docs.temporal.io/develop/python/workflows/versioning#patching). A "
    "Replayer over recorded histories shows beforehand what a change would break.",
)


class _Gate:
    """What both versions have in common: they wait for `go`."""

    def __init__(self) -> None:
        self._go = False

    @workflow.signal
    def event(self, name: str, _value: Any, _sent_at_s: float) -> None:
        self._go |= name == "go"

    async def _wait(self, job: Job) -> None:
        await workflow.execute_activity(work, 0.0, **job.step("before"))
        await workflow.wait_condition(lambda: self._go)


@workflow.defn(name="deploy")
class DeployV1(_Gate):
    """What is deployed first."""

    @workflow.run
    async def run(self, job: Job) -> str:
        await self._wait(job)
        await workflow.execute_activity(work, 0.0, **job.step("old_way"))
        return "old_way"


@workflow.defn(name="deploy")
class DeployV2(_Gate):
    """What is deployed later. It asks at once: the answer is that of the job's beginning."""

    @workflow.run
    async def run(self, job: Job) -> str:
        way = "new_way" if workflow.patched("new-way") else "old_way"
        await self._wait(job)
        await workflow.execute_activity(work, 0.0, **job.step(way))
        return way


VERSIONS = {"v1": DeployV1, "v2": DeployV2}
