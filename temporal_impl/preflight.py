"""Is the server that the environment names fit? `python -m temporal_impl.preflight`.

For the bench, which imports no engine. Prints as JSON who names the server, where it is, its
namespace and the name in its certificate, once it answered; an empty object if nobody names one.
"""

import argparse
import asyncio
import json
import sys
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from google.protobuf.duration_pb2 import Duration
from temporalio.api.workflowservice.v1 import RegisterNamespaceRequest
from temporalio.service import RPCError, RPCStatusCode

from shared.domain.errors import ChangeoverError, EngineUnavailable
from shared.settings import Settings
from temporal_impl.client import connect_once, settle
from temporal_impl.connection import Connection, connection
from temporal_impl.refusals import explain, namespace_is_missing

_RETENTION_S = 86_400
_CREATE_LIMIT_S = 20.0


def main() -> int:
    """Look at the server, and create what is asked for; 2 or 3 with the reason on stderr."""
    parser = argparse.ArgumentParser(prog="temporal_impl.preflight", description=__doc__)
    parser.add_argument("--create", metavar="NAMESPACE", action="append", default=[])
    parser.add_argument(
        "--own", action="store_true", help="create this environment's, if nobody names Temporal's"
    )
    given = parser.parse_args()
    try:
        to = connection(Settings.from_environment())
        if not to.named_by:
            print("{}")
            return 0
        asyncio.run(_look(to, given.create, own=given.own))
    except ChangeoverError as error:
        print(error, file=sys.stderr)
        return error.exit_status
    found = {
        "named_by": to.named_by,
        "address": to.address,
        "namespace": to.namespace,
        "server_name": to.server_name,
    }
    print(json.dumps(found))
    return 0


async def _look(to: Connection, create: Sequence[str], *, own: bool) -> None:
    try:
        if create:
            for namespace in create:
                await _ensure(replace(to, namespace=namespace))
        elif own and not to.namespace_is_named:
            await _ensure(to)
        else:
            await connect_once(to, into_namespace=to.namespace_is_named)
    except (RPCError, RuntimeError, TimeoutError) as error:
        raise EngineUnavailable(explain(error, to)) from error
    finally:
        await settle()


async def _ensure(to: Connection) -> None:
    """Create the namespace unless it is there. The server's workers see it within seconds."""
    client = await connect_once(to, into_namespace=False)
    try:
        await connect_once(to)
        return
    except RPCError as error:
        if not namespace_is_missing(error):
            raise
    request = RegisterNamespaceRequest(
        namespace=to.namespace,
        workflow_execution_retention_period=Duration(seconds=_RETENTION_S),
    )
    try:
        await client.workflow_service.register_namespace(
            request, timeout=timedelta(seconds=_CREATE_LIMIT_S)
        )
    except RPCError as error:
        if error.status is not RPCStatusCode.ALREADY_EXISTS:
            raise EngineUnavailable(
                f"Temporal at {to.address} has no namespace {to.namespace!r}, and none could be"
                f" created ({error.message}); create it, or name another with"
                " CHANGEOVER_TEMPORAL_NAMESPACE"
            ) from error


if __name__ == "__main__":
    sys.exit(main())
