"""Does this code fit what has begun? `python -m temporal_impl.replay [FILES] [--from-server]`.

Replays recorded histories on the workflows of this tree, with no worker and no effect, as a check
before a deploy. Exit status 1 if any does not replay: a deploy would leave it stuck.
"""

import argparse
import asyncio
import re
import sys
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

from google.protobuf.json_format import ParseError
from temporalio.client import Client, WorkflowHistory
from temporalio.converter import DataConverter
from temporalio.runtime import LoggingConfig, Runtime, TelemetryConfig, TelemetryFilter
from temporalio.service import RPCError
from temporalio.worker import Replayer

from shared.domain.errors import ChangeoverError, EngineUnavailable
from shared.settings import Settings
from temporal_impl.client import connect_for_facade, settle
from temporal_impl.connection import connection, data_converter
from temporal_impl.purge_workflow import PurgeUploadsWorkflow
from temporal_impl.refusals import explain
from temporal_impl.workloads import BY_WORKFLOW

_WORKFLOWS = [*(each.workflow for each in BY_WORKFLOW.values()), PurgeUploadsWorkflow]
_OPEN = f"""ExecutionStatus = "Running" AND WorkflowType IN ({
    ", ".join(f'"{workflow.__name__}"' for workflow in _WORKFLOWS)
})"""
_LIMIT = 1000


class NoHistoryError(ChangeoverError):
    """There is no history in it; record one with `temporal workflow show --output json`."""

    exit_status = 2


def main() -> int:
    """Replay what is asked for and say of each that fails why; 0, 1, or the error's status."""
    parser = argparse.ArgumentParser(prog="changeover replay", description=__doc__)
    parser.add_argument("files", nargs="*", type=Path, help="histories as JSON, or folders of them")
    parser.add_argument("--from-server", action="store_true")
    parser.add_argument("--query", default=_OPEN)
    parser.add_argument("--limit", type=int, default=_LIMIT)
    given = parser.parse_args()
    if not given.files and not given.from_server:
        parser.error("name files with histories, or --from-server")
    # Each failure is said once, and not by the SDK's own log as well.
    quiet = LoggingConfig(filter=TelemetryFilter(core_level="ERROR", other_level="ERROR"))
    Runtime.set_default(Runtime(telemetry=TelemetryConfig(logging=quiet)))
    try:
        return asyncio.run(_main(given))
    except ChangeoverError as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        return error.exit_status


async def _main(given: argparse.Namespace) -> int:
    files = [history for path in given.files for history in from_files(path)]
    failed = replayed = 0
    converter = data_converter(Settings.from_environment())
    async for history, failure in replay(_histories(files, given), converter=converter):
        replayed += 1
        if failure is not None:
            failed += 1
            print(f"{history.workflow_id} ({_kind(history)}): {_why(failure)}")
    await settle()
    print(f"{replayed - failed} of {replayed} histories replay on this code")
    if given.from_server and replayed >= given.limit:
        print(f"stopped at the first {given.limit}; --limit raises that")
    return 1 if failed else 0


async def replay(
    histories: AsyncIterator[WorkflowHistory],
    workflows: Sequence[type] = _WORKFLOWS,
    converter: DataConverter = DataConverter.default,
) -> AsyncIterator[tuple[WorkflowHistory, Exception | None]]:
    """Yield each history with what it failed of, None if it replays."""
    replayer = Replayer(workflows=workflows, data_converter=converter)
    async with replayer.workflow_replay_iterator(histories) as results:
        async for result in results:
            yield result.history, result.replay_failure


async def _histories(
    files: Sequence[WorkflowHistory], given: argparse.Namespace
) -> AsyncIterator[WorkflowHistory]:
    for history in files:
        yield history
    if given.from_server:
        to = connection(Settings.from_environment())
        client = await connect_for_facade(to)
        try:
            async for history in from_server(client, given.query, given.limit):
                yield history
        except (RPCError, RuntimeError) as error:
            # RuntimeError is what a lazy client's failed connection raises (SDK bridge).
            raise EngineUnavailable(explain(error, to)) from error


def from_files(path: Path) -> list[WorkflowHistory]:
    """Read a history, as `temporal workflow show --output json` prints it, or a folder of them."""
    files = sorted(path.glob("*.json")) if path.is_dir() else [path]
    if not files:
        raise NoHistoryError(f"{path} has no *.json")
    return [_read(file) for file in files]


def _read(file: Path) -> WorkflowHistory:
    try:
        return WorkflowHistory.from_json(file.stem, file.read_text())
    except (OSError, ValueError, ParseError) as error:
        raise NoHistoryError(f"{file} is no history: {error}") from error


async def from_server(client: Client, query: str, limit: int) -> AsyncIterator[WorkflowHistory]:
    """Fetch the histories of the workflows that a list filter finds."""
    async for history in client.list_workflows(query, limit=limit).map_histories():
        yield history


def _why(failure: Exception) -> str:
    """Return the message within the failure, which the SDK prints with all its empty fields."""
    message = re.search(r'message: "((?:[^"\\]|\\.)*)"', str(failure))
    return message[1] if message else str(failure)


def _kind(history: WorkflowHistory) -> str:
    started = history.events[0].workflow_execution_started_event_attributes
    return started.workflow_type.name


if __name__ == "__main__":
    sys.exit(main())
