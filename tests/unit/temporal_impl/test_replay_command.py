"""`changeover replay`: a deploy that would leave open workflows stuck is seen before it is made."""

import json
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from temporalio.client import WorkflowHistory
from temporalio.workflow import NondeterminismError

from temporal_impl.replay import NoHistoryError, from_files, replay
from tests.unit.temporal_impl.changed_workflows import NotifiesBeforeSaving

_FOLDER = Path(__file__).parents[2] / "data" / "histories"


def changeover_replay(*arguments: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "bench", "replay", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60)


async def _each(histories: list[WorkflowHistory]) -> AsyncIterator[WorkflowHistory]:
    for history in histories:
        yield history


def test_recorded_histories_replay_on_this_code() -> None:
    done = changeover_replay(str(_FOLDER))
    assert (done.returncode, done.stdout) == (0, "8 of 8 histories replay on this code\n")


def test_a_history_that_does_not_replay_is_named_with_what_differs(tmp_path: Path) -> None:
    """Planted: the history says that another step came first."""
    written = (_FOLDER / "succeeded.json").read_text()
    (tmp_path / "order-17.json").write_text(written.replace("reserve_credits", "charge_card"))
    (tmp_path / "order-18.json").write_text(written)
    done = changeover_replay(str(tmp_path))
    assert done.returncode == 1
    [said, total] = done.stdout.splitlines()
    assert said.startswith("order-17 (ImageGenerationWorkflow): ")
    assert "charge_card" in said
    assert total == "1 of 2 histories replay on this code"


async def test_histories_are_replayed_on_the_workflows_that_would_be_deployed() -> None:
    histories = from_files(_FOLDER / "session-succeeded.json")
    [(history, failure)] = [each async for each in replay(_each(histories), [NotifiesBeforeSaving])]
    assert history.workflow_id == "session-succeeded"
    assert isinstance(failure, NondeterminismError)


@pytest.mark.parametrize("text", ["", "{}", json.dumps({"events": [{"eventId": "x"}]})])
def test_a_file_that_is_no_history_is_refused_by_name(tmp_path: Path, text: str) -> None:
    path = tmp_path / "broken.json"
    path.write_text(text)
    with pytest.raises(NoHistoryError, match=r"broken\.json"):
        from_files(path)


@pytest.mark.parametrize("arguments", [[], ["no-such-file.json"]])
def test_wrong_usage_is_exit_status_2(arguments: list[str]) -> None:
    assert changeover_replay(*arguments).returncode == 2


def test_a_server_that_does_not_answer_is_exit_status_3(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHANGEOVER_TEMPORAL_ADDRESS", "127.0.0.1:1")
    done = changeover_replay("--from-server")
    assert done.returncode == 3
    assert "no answer from Temporal at 127.0.0.1:1" in done.stderr
