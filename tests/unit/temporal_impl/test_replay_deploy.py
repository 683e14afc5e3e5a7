"""Recorded runs of the deploy pattern: what a worker with the other version makes of them.

Recorded as in `test_replay.py`, into tests/data/histories/deploy/.
"""

from pathlib import Path

import pytest
from temporalio.client import WorkflowHistory
from temporalio.worker import Replayer
from temporalio.workflow import NondeterminismError

from temporal_impl.patterns.deploy import DeployV1, DeployV2

_FOLDER = Path(__file__).parents[2] / "data" / "histories" / "deploy"


async def _replay(history: str, workflow: type) -> None:
    text = (_FOLDER / f"{history}.json").read_text()
    await Replayer(workflows=[workflow]).replay_workflow(WorkflowHistory.from_json(history, text))


@pytest.mark.parametrize("history", ["v1-waiting", "v1-done"])
@pytest.mark.parametrize("workflow", [DeployV1, DeployV2])
async def test_a_run_that_began_before_the_deploy_replays_on_either_version(
    history: str, workflow: type
) -> None:
    await _replay(history, workflow)


async def test_a_run_that_began_after_the_deploy_replays_on_the_new_version() -> None:
    await _replay("v2-done", DeployV2)


async def test_a_run_that_began_after_the_deploy_is_refused_by_the_old_version() -> None:
    with pytest.raises(NondeterminismError):
        await _replay("v2-done", DeployV1)
