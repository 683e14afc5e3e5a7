"""What a pipeline asks of the server for pinned workflows."""

from collections.abc import Iterator

import pytest
from temporalio.client import Client
from temporalio.worker import Worker

from shared.policy import Queue
from shared.settings import Settings
from temporal_impl import profile as profiles
from temporal_impl.deployment import deployed_as
from temporal_impl.rollout import NoWorkerOfBuildError, make_current, open_workflows
from tests.integration.temporal_cell import DevServer, until
from tests.integration.test_temporal_deploys import First, old_way

pytest_plugins = ("tests.integration.temporal_fixtures",)


@pytest.fixture
async def client(server: DevServer, namespaces: Iterator[str]) -> Client:
    namespace = next(namespaces)
    await server.ready(namespace)
    return await Client.connect(server.address, namespace=namespace)


async def test_an_old_build_is_needed_until_its_last_workflow_is_over(client: Client) -> None:
    settings = Settings(build_id="1", worker_versioning="pinned")
    deployed = deployed_as(Queue.CPU, profiles.load(settings), settings)
    worker = Worker(
        client,
        task_queue="rollout",
        workflows=[First],
        activities=[old_way],
        deployment_config=deployed,
    )
    async with worker:
        await make_current(client, "1", 20.0)
        job = await client.start_workflow("deploys", id="job", task_queue="rollout")

        async def open_is(count: int) -> bool:
            return await open_workflows(client, "1") == count

        await until("one workflow needs the build", lambda: open_is(1))
        await job.signal("go")
        await job.result()
        await until("none needs it", lambda: open_is(0))


async def test_a_build_without_a_worker_cannot_be_made_current(client: Client) -> None:
    with pytest.raises(NoWorkerOfBuildError, match="never-started"):
        await make_current(client, "never-started", 0.5)
