"""A worker process: `python -m temporal_impl.worker --role gpu|cpu`."""

import argparse
import asyncio
import logging
import os
import signal
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

from temporalio.client import Client
from temporalio.service import RPCError
from temporalio.worker import PollerBehaviorSimpleMaximum, Worker

from shared.domain.errors import ChangeoverError, EngineUnavailable
from shared.domain.faces import FACE_SIMILARITY
from shared.extras import needed_to_compute, require
from shared.policy import Queue
from shared.preload import preload as for_any_engine
from shared.presence import Presence
from shared.runtime import Runtime, build_runtime
from shared.settings import Settings
from temporal_impl import profile as profiles
from temporal_impl.client import connect_for_worker, settle
from temporal_impl.connection import connection
from temporal_impl.deployment import deployed_as
from temporal_impl.options import TASK_QUEUES
from temporal_impl.profile import TemporalProfile
from temporal_impl.refusals import explain
from temporal_impl.schedules import ensure_purge_schedule
from temporal_impl.workloads import WORKLOADS

_log = logging.getLogger(__name__)


def preload() -> None:
    """Import all that a worker and its models need: for a process that forks workers."""
    for_any_engine()


def main() -> int:
    """Run one worker until it is told to stop; 3 if the environment is not fit."""
    parser = argparse.ArgumentParser(prog="temporal_impl.worker", description=__doc__)
    parser.add_argument("--role", type=Queue, choices=list(Queue), required=True)
    role = parser.parse_args().role
    logging.basicConfig(
        stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s"
    )
    # One line an effect is too much.
    logging.getLogger("httpx").setLevel(logging.WARNING)
    try:
        settings = Settings.from_environment()
        if role is Queue.GPU:
            require(needed_to_compute(settings.compute, settings.workloads))
        asyncio.run(_run(role, settings))
    except ChangeoverError as error:
        _log.error("%s: %s", type(error).__name__, error)
        logging.shutdown()
        # At once: a thread of the SDK's core that is still trying to connect may ask for an
        # interpreter that is being taken down, and Python then aborts with SIGABRT.
        os._exit(3)
    return 0


async def _run(role: Queue, settings: Settings) -> None:
    profile = profiles.load(settings)
    runtime = build_runtime(settings)
    runtime.warm_up(role)
    client = await connect_for_worker(settings, profile)
    if role is Queue.CPU and FACE_SIMILARITY in settings.workloads:
        await _schedule_purges(client, settings)
    presence = Presence(runtime.workers, settings.worker_name, role, "temporal")
    stop = _stop_event(profile)
    try:
        with ThreadPoolExecutor(_slots(role, profile, settings)) as threads:
            async with _worker(role, client, profile, runtime, threads):
                presence.start()
                _log.info(
                    "%s takes %s work with profile %s", settings.worker_name, role, settings.profile
                )
                await stop.wait()
                await asyncio.to_thread(presence.stop)
    finally:
        presence.stop()
        await settle()
    _log.info("%s has stopped", settings.worker_name)


async def _schedule_purges(client: Client, settings: Settings) -> None:
    try:
        await ensure_purge_schedule(client, settings.purge_every_s)
    except RPCError as error:
        raise EngineUnavailable(explain(error, connection(settings))) from error


def _stop_event(profile: TemporalProfile) -> asyncio.Event:
    """Return an event that SIGTERM and SIGINT set, if the profile wants them handled."""
    stop = asyncio.Event()
    if profile.handle_sigterm:
        _stop_on_signals(stop)
    return stop


def _stop_on_signals(stop: asyncio.Event) -> None:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)


def _slots(role: Queue, profile: TemporalProfile, settings: Settings) -> int:
    return profile.gpu_slots if role is Queue.GPU else settings.cpu_slots


def _worker(
    role: Queue,
    client: Client,
    profile: TemporalProfile,
    runtime: Runtime,
    threads: ThreadPoolExecutor,
) -> Worker:
    parts = [WORKLOADS[name].served(role, runtime) for name in sorted(runtime.settings.workloads)]
    options = _worker_options(profile)
    if deployed := deployed_as(role, profile, runtime.settings):
        options["deployment_config"] = deployed
    if role is Queue.GPU and profile.gpu_pollers is not None:
        options["activity_task_poller_behavior"] = PollerBehaviorSimpleMaximum(profile.gpu_pollers)
    return Worker(
        client,
        task_queue=TASK_QUEUES[role],
        workflows=[workflow for part in parts for workflow in part.workflows],
        sticky_queue_schedule_to_start_timeout=timedelta(
            seconds=profile.sticky_schedule_to_start_s
        ),
        activities=[activity for part in parts for activity in part.activities],
        activity_executor=threads,
        max_concurrent_activities=_slots(role, profile, runtime.settings),
        **options,
    )


def _worker_options(profile: TemporalProfile) -> dict[str, Any]:
    options: dict[str, Any] = {
        "graceful_shutdown_timeout": timedelta(seconds=profile.graceful_shutdown_timeout_s)
    }
    if profile.heartbeat_throttle_s is not None:
        throttle = timedelta(seconds=profile.heartbeat_throttle_s)
        options["max_heartbeat_throttle_interval"] = throttle
        options["default_heartbeat_throttle_interval"] = throttle
    return options


if __name__ == "__main__":
    sys.exit(main())
