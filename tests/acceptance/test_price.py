"""`changeover price`: what one job asks of its engine's server."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.runs import changeover


def test_a_job_is_priced_on_both_engines(tmp_path: Path) -> None:
    arms = ["celery/stock", "temporal/stock", "temporal/hardened", "temporal/standalone"]
    job = ["--picture-s", "3", "--step-s", "0.1", "--budget", "6", "--idle-s", "2"]
    done = changeover("price", *arms, *job, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    [written] = tmp_path.glob("results/*/price.json")
    prices: dict[str, dict[str, Any]] = {
        each["arm"]: each for each in json.loads(written.read_text())
    }
    assert list(prices) == arms
    asked = {arm: price["a_job"] for arm, price in prices.items()}
    # Five steps: reserve, generate, assemble, capture, notify.
    started = {"StartWorkflowExecution": 1, "ScheduleActivityTask": 5}
    assert asked["temporal/stock"] == started
    heartbeats = asked["temporal/hardened"].pop("RecordActivityTaskHeartbeat")
    assert asked["temporal/hardened"] == started
    assert heartbeats >= 2
    assert asked["temporal/standalone"].pop("RecordActivityTaskHeartbeat") >= 2
    assert asked["temporal/standalone"] == {"StartActivityExecution": 1}
    # A message a step, and polls that go on while there is nothing to do.
    assert asked["celery/stock"]["lpush"] == 5
    assert prices["celery/stock"]["idle_a_minute"]["brpop"] > 0
    assert prices["temporal/stock"]["idle_a_minute"] == {}


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["celery/hard"], "no arm celery/hard"),
        (["celery/hardened", "--picture-s", "20"], "handed out again"),
    ],
)
def test_what_cannot_be_priced_is_refused(tmp_path: Path, arguments: list[str], says: str) -> None:
    done = changeover("price", *arguments, cwd=tmp_path)
    assert done.returncode == 2
    assert says in " ".join((done.stdout + done.stderr).replace("│", " ").split())
