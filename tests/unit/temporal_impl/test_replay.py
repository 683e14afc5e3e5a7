"""The workflows replay histories that earlier versions of them have made, or a change is refused.

To record one: of a face session, see `record_histories.py`; of any job, `temporal workflow show
--workflow-id ID --output json`, without its stack traces, into tests/data/histories/.
"""

from pathlib import Path

import pytest
from temporalio.client import WorkflowHistory
from temporalio.worker import Replayer
from temporalio.workflow import NondeterminismError

from temporal_impl.face_workflows import FaceSimilarityWorkflow
from temporal_impl.image_workflows import ImageGenerationWorkflow
from tests.unit.temporal_impl.changed_workflows import (
    ForgetsTheDeadline,
    NotifiesBeforeSaving,
    NotifiesBeforeSavingIfNew,
)

_FOLDER = Path(__file__).parents[2] / "data" / "histories"
_HISTORIES = sorted(_FOLDER.glob("*.json"))
_SESSIONS = sorted(_FOLDER.glob("session-*.json"))


async def _replay(path: Path, *workflows: type) -> None:
    history = WorkflowHistory.from_json(path.stem, path.read_text())
    await Replayer(workflows=workflows).replay_workflow(history)


@pytest.mark.parametrize("path", _HISTORIES, ids=lambda path: path.stem)
async def test_a_recorded_history_replays(path: Path) -> None:
    await _replay(path, ImageGenerationWorkflow, FaceSimilarityWorkflow)


def test_there_is_a_history_of_every_kind_of_end() -> None:
    ends = {"succeeded", "cancelled", "refused"}
    sessions = {f"session-{end}" for end in {*ends, "reviewed", "timed-out"}}
    assert {path.stem for path in _HISTORIES} >= ends | sessions


@pytest.mark.parametrize(
    ("end", "changed"),
    [
        ("succeeded", NotifiesBeforeSaving),
        ("succeeded", ForgetsTheDeadline),
        ("timed-out", ForgetsTheDeadline),
    ],
)
async def test_an_incompatible_change_does_not_replay(end: str, changed: type) -> None:
    with pytest.raises(NondeterminismError):
        await _replay(_FOLDER / f"session-{end}.json", changed)


@pytest.mark.parametrize("path", _SESSIONS, ids=lambda path: path.stem)
async def test_the_same_change_behind_a_patch_replays(path: Path) -> None:
    await _replay(path, NotifiesBeforeSavingIfNew)
