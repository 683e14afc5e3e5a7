"""`changeover deploys`: what a deploy of changed code does to jobs that are under way."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.runs import changeover

pytestmark = [pytest.mark.slow, pytest.mark.timeout(500)]


@pytest.fixture(scope="module")
def ways(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What came of each way, by arm and way."""
    folder: Path = tmp_path_factory.mktemp("deploys")
    done = changeover("deploys", "--json", "--drain-s", "70", cwd=folder)
    assert done.returncode == 0, done.stderr
    return {each["arm"]: each for each in json.loads(done.stdout)}


def test_jobs_that_begin_after_a_deploy_finish_in_the_new_way_in_every_way(
    ways: dict[str, Any],
) -> None:
    seen = {arm: (way["after"]["counts"], way["after"]["at_once"]) for arm, way in ways.items()}
    assert seen == dict.fromkeys(ways, ({"completed": 4}, 0))


def test_an_unpatched_change_leaves_the_jobs_under_way_stuck_and_replay_says_so(
    ways: dict[str, Any],
) -> None:
    """But for what the old worker still finished as it stopped."""
    way = ways["temporal/hardened/unpatched"]
    jobs, stuck = way["before"]["jobs"], way["before"]["stuck"]
    assert stuck > jobs / 2
    assert stuck + way["before"]["counts"].get("completed", 0) == jobs
    assert "non_deterministic_error" in way["before"]["why"]
    assert way["replay"].startswith("0 of ")


def test_a_patched_change_lets_them_finish_and_replay_says_so(ways: dict[str, Any]) -> None:
    way = ways["temporal/hardened/patched"]
    assert way["before"]["counts"] == {"completed": way["before"]["jobs"]}
    replayed, _, asked = way["replay"].split()[:3]
    assert replayed == asked
    assert int(asked) > 0


def test_pinned_jobs_finish_on_the_old_workers_which_then_go(ways: dict[str, Any]) -> None:
    way = ways["temporal/hardened/pinned"]
    assert way["before"]["counts"] == {"completed": way["before"]["jobs"]}
    assert way["replay"].startswith("0 of ")
    assert way["kept_s"] > way["before"]["last_finished_s"]


def test_on_celery_a_message_carries_its_flow_and_names_its_tasks(ways: dict[str, Any]) -> None:
    """What was renamed is discarded; of the hardened profile's jobs SQL knows how they go on.

    But for what the old worker still finished as it stopped.
    """
    before = {arm: way["before"] for arm, way in ways.items() if way["engine"] == "celery"}
    jobs = {arm: fate["jobs"] for arm, fate in before.items()}
    for way in ("changed", "renamed"):
        arm = f"celery/hardened/{way}"
        assert before[arm]["counts"] == {"completed": jobs[arm]}
    plain = before["celery/tuned/renamed"]
    assert plain["counts"]["lost"] > plain["jobs"] / 2


def test_no_effect_is_applied_twice_in_any_way(ways: dict[str, Any]) -> None:
    assert {way["before"]["duplicate_effects"] for way in ways.values()} == {0}
