"""A worker of the patterns: `python -m temporal_impl.patterns.worker --role gpu|cpu|all`."""

import argparse
import asyncio
import logging
import signal
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack
from datetime import timedelta
from typing import Any

from temporalio.client import Client
from temporalio.worker import Worker
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner, SandboxRestrictions

from shared.adapters.ledger import SqlLedger
from shared.adapters.sql import connect, create_tables
from shared.adapters.workers import SqlWorkers
from shared.domain.errors import ChangeoverError
from shared.presence import Presence
from shared.settings import Settings
from temporal_impl import profile as profiles
from temporal_impl.client import connect_for_worker, settle
from temporal_impl.patterns.affinity import Fetch
from temporal_impl.patterns.deploy import VERSIONS
from temporal_impl.patterns.job import CPU, GPU
from temporal_impl.patterns.rate_limit import LIMITED
from temporal_impl.patterns.rows import CPU_STEPS, GPU_STEPS, WORKFLOWS
from temporal_impl.patterns.steps import InLedger, work

_log = logging.getLogger(__name__)


def main() -> int:
    """Run one worker until it is told to stop; 3 if the environment is not fit."""
    parser = argparse.ArgumentParser(prog="temporal_impl.patterns.worker", description=__doc__)
    parser.add_argument("--role", choices=["gpu", "cpu", "all"], required=True)
    parser.add_argument("--version", choices=list(VERSIONS), default="v1")
    given = parser.parse_args()
    logging.basicConfig(
        stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s"
    )
    try:
        asyncio.run(_run(given.role, given.version, Settings.from_environment()))
    except ChangeoverError as error:
        _log.error("%s: %s", type(error).__name__, error)
        return 3
    return 0


async def _run(role: str, version: str, settings: Settings) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    database = connect(settings.database_url)
    create_tables(database)
    presence = Presence(SqlWorkers(database), settings.worker_name, role, "temporal")
    client = await connect_for_worker(settings, profiles.load(settings))
    try:
        # A thread a slot, with three queues of CPU steps and one of GPU steps.
        with ThreadPoolExecutor(3 * settings.cpu_slots + 1) as threads:
            options = _options(settings, threads, SqlLedger(database))
            async with AsyncExitStack() as running:
                for worker in _workers(role, version, client, settings, options):
                    await running.enter_async_context(worker)
                presence.start()
                await stop.wait()
                await asyncio.to_thread(presence.stop)
    finally:
        presence.stop()
        await settle()


def _workers(
    role: str, version: str, client: Client, settings: Settings, options: dict[str, Any]
) -> Iterator[Worker]:
    """Yield a worker a task queue; each queue has its own slots."""
    if role in ("gpu", "all"):
        yield Worker(
            client, task_queue=GPU, activities=GPU_STEPS, max_concurrent_activities=1, **options
        )
    if role in ("cpu", "all"):
        slots = settings.cpu_slots
        own_queue = f"patterns-{settings.worker_name}"
        yield Worker(
            client,
            task_queue=CPU,
            workflows=[*WORKFLOWS, VERSIONS[version]],
            activities=[*CPU_STEPS, Fetch(own_queue).fetch],
            max_concurrent_activities=slots,
            # By default a dead worker keeps its workflows for 10 s.
            sticky_queue_schedule_to_start_timeout=timedelta(
                seconds=settings.detection_budget_s / 4
            ),
            workflow_runner=_sandbox(),
            **options,
        )
        for queue in (own_queue, LIMITED):
            yield Worker(
                client,
                task_queue=queue,
                activities=[work],
                max_concurrent_activities=slots,
                **options,
            )


def _sandbox() -> SandboxedWorkflowRunner:
    """Return one that loads a row's module anew for each workflow, and nothing else of ours."""
    return SandboxedWorkflowRunner(
        restrictions=SandboxRestrictions.default.with_passthrough_modules(
            "shared", "temporal_impl.patterns.job", "temporal_impl.patterns.steps"
        )
    )


def _options(settings: Settings, threads: ThreadPoolExecutor, ledger: SqlLedger) -> dict[str, Any]:
    throttle = timedelta(seconds=settings.detection_budget_s / 20)
    return {
        "activity_executor": threads,
        "interceptors": [InLedger(ledger, settings.worker_name)],
        "graceful_shutdown_timeout": timedelta(seconds=settings.stop_grace_s / 2),
        "max_heartbeat_throttle_interval": throttle,
        "default_heartbeat_throttle_interval": throttle,
    }


if __name__ == "__main__":
    sys.exit(main())
