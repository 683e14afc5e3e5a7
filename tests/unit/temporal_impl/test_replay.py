"""The workflows replay histories that earlier versions of them have made, or a change is refused.

To record one: of a face session, see `record_histories.py`; of any job, `temporal workflow show
--workflow-id ID --output json`, without its stack traces, into tests/data/histories/.
"""

from datetime import timedelta
from pathlib import Path

import pytest
from temporalio.client import WorkflowHistory
from temporalio.common import RetryPolicy
from temporalio.worker import Replayer, UnsandboxedWorkflowRunner
from temporalio.workflow import ActivityConfig, NondeterminismError

from temporal_impl.face_workflows import FaceSimilarityWorkflow
from temporal_impl.image_workflows import ImageGenerationWorkflow
from temporal_impl.options import StepOptions
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


@pytest.mark.parametrize("path", _HISTORIES, ids=lambda path: path.stem)
async def test_a_recorded_history_replays_with_other_timeouts_and_retries(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a replay compares of a step is its type and its id."""
    given = StepOptions.to_temporal
    asked: list[str] = []

    def other(options: StepOptions, step: str) -> ActivityConfig:
        asked.append(step)
        return {
            **given(options, step),
            "start_to_close_timeout": timedelta(seconds=1234),
            "heartbeat_timeout": timedelta(seconds=12),
            "retry_policy": RetryPolicy(maximum_attempts=2),
        }

    monkeypatch.setattr(StepOptions, "to_temporal", other)
    replayer = Replayer(
        workflows=[ImageGenerationWorkflow, FaceSimilarityWorkflow],
        workflow_runner=UnsandboxedWorkflowRunner(),  # the sandbox would import the class anew
    )
    await replayer.replay_workflow(WorkflowHistory.from_json(path.stem, path.read_text()))
    assert asked


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
