"""A deploy of changed code with jobs in flight, three ways side by side; -s prints the table.

One job begins on the first version and waits. Then its worker is replaced, another job begins, and
both are let go on.
"""

import asyncio
from collections.abc import Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import timedelta

import pytest
from temporalio import activity, workflow
from temporalio.api.enums.v1 import EventType
from temporalio.api.workflowservice.v1 import SetWorkerDeploymentCurrentVersionRequest
from temporalio.client import Client, WorkflowHandle
from temporalio.common import VersioningBehavior, WorkerDeploymentVersion
from temporalio.service import RPCError
from temporalio.worker import Worker, WorkerDeploymentConfig

from temporal_impl.replay import from_server, replay
from tests.integration.temporal_cell import DevServer, until

pytest_plugins = ("tests.integration.temporal_fixtures",)

_LIMIT = timedelta(seconds=10)


@activity.defn
async def old_way() -> str:
    return "old way"


@activity.defn
async def new_way() -> str:
    return "new way"


class _Waits:
    def __init__(self) -> None:
        self._go = False

    @workflow.signal
    def go(self) -> None:
        self._go = True

    async def _wait(self) -> None:
        await workflow.wait_condition(lambda: self._go)


@workflow.defn(name="deploys", sandboxed=False)
class First(_Waits):
    """What runs before the deploy."""

    @workflow.run
    async def run(self) -> str:
        first = await workflow.execute_activity(old_way, start_to_close_timeout=_LIMIT)
        await self._wait()
        return first


@workflow.defn(name="deploys", sandboxed=False)
class Changed(_Waits):
    """The same with another first step, and nothing that says so."""

    @workflow.run
    async def run(self) -> str:
        first = await workflow.execute_activity(new_way, start_to_close_timeout=_LIMIT)
        await self._wait()
        return first


@workflow.defn(name="deploys", sandboxed=False)
class Patched(_Waits):
    """The same change behind a patch: both ways in the code until no old job is left."""

    @workflow.run
    async def run(self) -> str:
        step = new_way if workflow.patched("new-way") else old_way
        first = await workflow.execute_activity(step, start_to_close_timeout=_LIMIT)
        await self._wait()
        return first


@dataclass(frozen=True)
class Way:
    """One way to deploy a change, and what becomes of a job begun before it and of one after it."""

    name: str
    second: type
    before: str
    after: str
    pinned: bool = False
    first_is_kept: bool = False
    replays: bool = True
    """Whether the open job's history replays on the second version."""


_STUCK = "stuck: attempt 2 and more of a workflow task that fails"
_WAITS = "waits for a worker of its version"
_WAYS = [
    Way("unpatched", Changed, _STUCK, "new way", replays=False),
    Way("patched", Patched, "old way", "new way"),
    Way("pinned, first version kept", Changed, "old way", "new way", True, True, replays=False),
    Way("pinned, first version gone", Changed, _WAITS, "new way", True, replays=False),
]


class Deploys:
    """Workers and jobs of one way, on a queue and in a deployment of its own."""

    def __init__(self, client: Client, way: Way) -> None:
        self._client = client
        self._way = way
        self._name = way.name.replace(", ", "-").replace(" ", "-")

    def worker(self, workflow: type, version: str) -> Worker:
        config = None
        if self._way.pinned:
            config = WorkerDeploymentConfig(
                WorkerDeploymentVersion(self._name, version),
                use_worker_versioning=True,
                default_versioning_behavior=VersioningBehavior.PINNED,
            )
        return Worker(
            self._client,
            task_queue=self._name,
            workflows=[workflow],
            activities=[old_way, new_way],
            deployment_config=config,
        )

    async def make_current(self, version: str) -> None:
        """What a pipeline does once the new workers run: new jobs begin on them from now on."""
        if self._way.pinned:
            await until(f"{version} is current", lambda: self._try_to_make_current(version))

    async def begin(self, job: str) -> WorkflowHandle[object, str]:
        """Start a job and return once its first step is done."""
        handle = await self._client.start_workflow(
            "deploys", id=f"{self._name}-{job}", task_queue=self._name, result_type=str
        )

        async def waits() -> bool:
            kinds = [event.event_type async for event in handle.fetch_history_events()]
            return EventType.EVENT_TYPE_ACTIVITY_TASK_COMPLETED in kinds

        await until(f"{job} waits", waits)
        return handle

    async def _try_to_make_current(self, version: str) -> bool:
        try:
            # The server knows a version once one of its workers has polled.
            await self._client.workflow_service.set_worker_deployment_current_version(
                SetWorkerDeploymentCurrentVersionRequest(
                    namespace=self._client.namespace,
                    deployment_name=self._name,
                    build_id=version,
                    identity="pipeline",
                )
            )
        except RPCError:
            return False
        return True


async def _outcome(handle: WorkflowHandle[object, str], expected: str) -> str:
    """Return a job's result, or how it stands still."""
    if expected not in (_STUCK, _WAITS):
        return await asyncio.wait_for(handle.result(), 30)

    async def stands_still() -> str | None:
        task = (await handle.describe()).raw_description.pending_workflow_task
        if expected == _WAITS:
            return _WAITS if task.attempt == 1 else None
        return _STUCK if task.attempt >= 2 else None

    said: str = await until("the job stands still", stands_still)
    return said


@pytest.fixture
async def client(server: DevServer, namespaces: Iterator[str]) -> Client:
    namespace = next(namespaces)
    await server.ready(namespace)
    return await Client.connect(server.address, namespace=namespace)


@pytest.mark.parametrize("way", _WAYS, ids=lambda way: way.name)
async def test_a_deploy_with_jobs_in_flight(client: Client, way: Way) -> None:
    deploys = Deploys(client, way)
    async with AsyncExitStack() as first, AsyncExitStack() as second:
        await first.enter_async_context(deploys.worker(First, "v1"))
        await deploys.make_current("v1")
        before = await deploys.begin("before")
        histories = from_server(client, 'WorkflowType = "deploys"', 10)
        [(_, failure)] = [each async for each in replay(histories, [way.second])]
        assert (failure is None) is way.replays
        if not way.first_is_kept:
            await first.aclose()
        await second.enter_async_context(deploys.worker(way.second, "v2"))
        await deploys.make_current("v2")
        after = await deploys.begin("after")
        for handle in (before, after):
            await handle.signal("go")
        # The later job first: whoever could take the earlier one has had the time for it.
        last = await _outcome(after, way.after)
        seen = (await _outcome(before, way.before), last)
    print(f"\n| {way.name} | {seen[0]} | {seen[1]} | {'yes' if failure is None else 'no'} |")
    assert seen == (way.before, way.after)
