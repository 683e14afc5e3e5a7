"""Records histories of face sessions, with fake steps on a development server:

    python -m tests.unit.temporal_impl.record_histories

Run it for a version that is deployed, not for a change: what is recorded stays, and a later version
has to replay it, with a patch where it does something else (docs.temporal.io/patching).
"""

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

from temporalio.client import Client
from temporalio.testing import WorkflowEnvironment

from shared.domain.status import JobStatus
from tests.unit.temporal_impl.fake_session import (
    REVIEW,
    FakeSession,
    Handle,
    provide,
    review,
    session_workers,
    start,
    until_memo,
)
from tests.unit.temporal_impl.fake_steps import outcome, refuse, until_cancelled

_FOLDER = Path(__file__).parents[2] / "data" / "histories"


async def _succeeded(client: Client, _: FakeSession) -> Handle:
    handle = await start(client)
    await until_memo(handle, lambda memo: memo.phase is JobStatus.WAITING)
    await provide(handle, "image")
    await until_memo(handle, lambda memo: bool(memo.inputs))
    await provide(handle, "video")
    return handle


async def _reviewed(client: Client, steps: FakeSession) -> Handle:
    steps.result = REVIEW
    handle = await start(client)
    await provide(handle, "video", "image")
    await until_memo(handle, lambda memo: memo.phase is JobStatus.REVIEW)
    await review(handle, True)
    return handle


async def _timed_out(client: Client, _: FakeSession) -> Handle:
    handle = await start(client, input_deadline_s=1.0)
    await provide(handle, "image")
    return handle


async def _cancelled(client: Client, steps: FakeSession) -> Handle:
    steps.does = {"compare i v": until_cancelled}
    handle = await start(client)
    await provide(handle, "image", "video")
    await steps.until("compare i v")
    await handle.cancel()
    return handle


async def _refused(client: Client, steps: FakeSession) -> Handle:
    steps.does = {"open": refuse}
    return await start(client)


async def main() -> None:
    """Record one history of each kind of end."""
    binary = str(Path(sys.executable).parent / "temporal")
    async with await WorkflowEnvironment.start_local(
        dev_server_existing_path=binary, dev_server_log_level="error", identity="recorder"
    ) as environment:
        for session in (_succeeded, _reviewed, _timed_out, _cancelled, _refused):
            steps = FakeSession()
            async with session_workers(environment.client, steps):
                handle = await session(environment.client, steps)
                await outcome(handle)
            history = (await handle.fetch_history()).to_json_dict()
            name = f"session-{session.__name__.strip('_').replace('_', '-')}.json"
            (_FOLDER / name).write_text(json.dumps(_without_traces(history), indent=1) + "\n")


def _without_traces(part: Any) -> Any:
    # They name files of the machine that recorded them.
    match part:
        case dict():
            return {key: _without_traces(p) for key, p in part.items() if key != "stackTrace"}
        case list():
            return [_without_traces(p) for p in part]
        case _:
            return part


if __name__ == "__main__":
    asyncio.run(main())
