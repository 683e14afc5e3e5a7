"""A Temporal worker whose activities run in processes of their own: `ADDRESS NAMESPACE FOLDER`."""

import asyncio
import multiprocessing
import os
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from datetime import timedelta
from pathlib import Path

from temporalio import activity, workflow
from temporalio.client import Client
from temporalio.common import RetryPolicy
from temporalio.worker import SharedStateManager, Worker

QUEUE = "pool"
HEARTBEAT_TIMEOUT_S = 30.0
_LIMIT_S = 60.0


@activity.defn
def paint(folder: str) -> int:
    """Say who works since when, and go on until there is a file `go`; returns the attempt."""
    attempt = activity.info().attempt
    give_up_at = time.monotonic() + _LIMIT_S
    begun = Path(folder) / f"attempt-{attempt}"
    begun.with_suffix(".part").write_text(f"{os.getpid()} {time.time()}")
    begun.with_suffix(".part").rename(begun)
    while not (Path(folder) / "go").exists() and time.monotonic() < give_up_at:
        activity.heartbeat()
        time.sleep(0.05)
    return attempt


@workflow.defn(sandboxed=False)
class PaintOnce:
    """One activity, with a heartbeat timeout that is far away."""

    @workflow.run
    async def run(self, folder: str) -> int:
        return await workflow.execute_activity(
            paint,
            folder,
            start_to_close_timeout=timedelta(seconds=2 * _LIMIT_S),
            heartbeat_timeout=timedelta(seconds=HEARTBEAT_TIMEOUT_S),
            retry_policy=RetryPolicy(initial_interval=timedelta(seconds=1)),
        )


async def _main(address: str, namespace: str, folder: Path) -> None:
    client = await Client.connect(address, namespace=namespace)
    # Forked, a child would have the locks of the SDK's threads and not the threads.
    spawn = multiprocessing.get_context("spawn")
    with spawn.Manager() as manager, ProcessPoolExecutor(1, mp_context=spawn) as pool:
        pool.submit(os.getpid).result()
        worker = Worker(
            client,
            task_queue=QUEUE,
            workflows=[PaintOnce],
            activities=[paint],
            activity_executor=pool,
            max_concurrent_activities=1,
            shared_state_manager=SharedStateManager.create_from_multiprocessing(manager),
        )
        (folder / f"ready-{os.getpid()}").touch()
        await worker.run()


if __name__ == "__main__":
    asyncio.run(_main(sys.argv[1], sys.argv[2], Path(sys.argv[3])))
