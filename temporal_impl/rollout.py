"""What a pipeline asks for in a roll-out with CHANGEOVER_WORKER_VERSIONING=pinned.

`python -m temporal_impl.rollout make-current BUILD`: new workflows begin on the workers of this
build from now on. `... open BUILD`: how many workflows are open that only those can go on with.
"""

import argparse
import asyncio
import sys
import time

from temporalio.api.workflowservice.v1 import SetWorkerDeploymentCurrentVersionRequest
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from shared.domain.errors import ChangeoverError, EngineUnavailable
from shared.settings import Settings
from temporal_impl.client import connect_once, settle
from temporal_impl.connection import connection
from temporal_impl.deployment import DEPLOYMENT
from temporal_impl.refusals import explain

_POLL_S = 0.2
_NOT_YET = (RPCStatusCode.NOT_FOUND, RPCStatusCode.FAILED_PRECONDITION)
"""What the server answers of a build of which no worker has polled."""


class NoWorkerOfBuildError(ChangeoverError):
    """No worker of this build has asked the server for work; start one first."""

    exit_status = 3


def main() -> int:
    """Do what is asked for; 0, or the error's status."""
    parser = argparse.ArgumentParser(
        prog="temporal_impl.rollout",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("do", choices=["make-current", "open"])
    parser.add_argument("build")
    parser.add_argument(
        "--wait", type=float, default=30.0, help="seconds for the first worker of the build"
    )
    given = parser.parse_args()
    try:
        return asyncio.run(_main(given.do, given.build, given.wait))
    except ChangeoverError as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        return error.exit_status


async def _main(do: str, build: str, wait_s: float) -> int:
    to = connection(Settings.from_environment())
    try:
        client = await connect_once(to)
        if do == "open":
            print(await open_workflows(client, build))
        else:
            await make_current(client, build, wait_s)
    except (RPCError, RuntimeError) as error:
        # RuntimeError is what a failed connection raises (SDK bridge).
        raise EngineUnavailable(explain(error, to)) from error
    finally:
        await settle()
    return 0


async def make_current(client: Client, build: str, wait_s: float) -> None:
    """Let workflows begin on this build; `NoWorkerOfBuildError` if none of its workers polls."""
    give_up_at = time.monotonic() + wait_s
    while True:
        try:
            await client.workflow_service.set_worker_deployment_current_version(
                SetWorkerDeploymentCurrentVersionRequest(
                    namespace=client.namespace,
                    deployment_name=DEPLOYMENT,
                    build_id=build,
                    identity=client.identity,
                )
            )
        except RPCError as error:
            if error.status not in _NOT_YET:
                raise
            if time.monotonic() > give_up_at:
                raise NoWorkerOfBuildError(f"{build}: {error}") from error
            await asyncio.sleep(_POLL_S)
        else:
            return


async def open_workflows(client: Client, build: str) -> int:
    """Return how many open workflows are pinned to this build.

    The server's own `DrainageStatus` says the same, and minutes later.
    """
    query = (
        f'TemporalWorkerDeploymentVersion = "{DEPLOYMENT}:{build}" AND ExecutionStatus = "Running"'
    )
    return (await client.count_workflows(query)).count


if __name__ == "__main__":
    sys.exit(main())
