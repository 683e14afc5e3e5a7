"""The workflow replays histories that earlier versions of it have made.

To record one after a change that needs a patch or a new history: `temporal workflow show
--workflow-id ID --output json`, without its stack traces, into tests/data/histories/.
"""

from pathlib import Path

import pytest
from temporalio.client import WorkflowHistory
from temporalio.worker import Replayer

from temporal_impl.workflows import ImageGenerationWorkflow

_HISTORIES = sorted((Path(__file__).parents[2] / "data" / "histories").glob("*.json"))


@pytest.mark.parametrize("path", _HISTORIES, ids=lambda path: path.stem)
async def test_a_recorded_history_replays(path: Path) -> None:
    history = WorkflowHistory.from_json(path.stem, path.read_text())
    await Replayer(workflows=[ImageGenerationWorkflow]).replay_workflow(history)


def test_there_are_histories_to_replay() -> None:
    assert {path.stem for path in _HISTORIES} >= {"succeeded", "cancelled", "refused"}
