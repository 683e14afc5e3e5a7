"""Deadlines of face sessions, and the purge of their files, with real processes and clocks."""

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.acceptance.conftest import Served, start_up, stop
from tests.acceptance.test_sessions import ALIKE, IMAGE, VIDEO

INPUT_DEADLINE_S = 6.0


@pytest.fixture(scope="module")
def hasty(engine: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A stack whose sessions wait some seconds only, and are purged soon after."""
    served = start_up(
        tmp_path_factory.mktemp(engine),
        *("--compute", "simulated", "--detection-budget", "5"),
        CHANGEOVER_BACKEND=engine,
        CHANGEOVER_SIMULATED_STEP_S="0.01",
        CHANGEOVER_INPUT_DEADLINE_S=str(INPUT_DEADLINE_S),
        CHANGEOVER_REVIEW_DEADLINE_S="2",
        CHANGEOVER_UPLOAD_RETENTION_S="1",
        CHANGEOVER_PURGE_EVERY_S="1",
        CHANGEOVER_STOP_GRACE_S="6",
    )
    yield served
    assert stop(served) == []


def _stored(served: Served) -> list[Path]:
    return [path for path in served.folder.rglob("uploads/*/*") if path.is_file()]


def _until_purged(served: Served, job_id: str) -> None:
    give_up_at = time.monotonic() + 30
    while served.view(job_id)["inputs"] or _stored(served):
        assert time.monotonic() < give_up_at, _stored(served)
        time.sleep(0.1)


def test_the_deadline_ends_a_session_with_what_it_had_and_survives_restarts(
    hasty: Served, engine: str
) -> None:
    one, none = hasty.session(session_id="one"), hasty.session(session_id="none")
    assert hasty.put(one, "image", IMAGE).status_code == 201
    hasty.until(one, lambda view: view["status"] == "waiting")
    for worker in hasty.client.get("/v1/operator/workers").json():
        os.killpg(os.getpgid(worker["pid"]), signal.SIGKILL)
    for job_id, inputs in ((one, ["image"]), (none, [])):
        view = hasty.finished(job_id)
        assert (view["status"], view["result"]) == ("timed_out", {"inputs": inputs})
        steps = {attempt["step"] for attempt in view["attempts"]}
        assert steps <= {"open_session", "close_session"}
    assert hasty.put(one, "video", VIDEO).status_code == 409
    _until_purged(hasty, one)


def test_a_review_that_nobody_gives_times_out_with_the_comparison(hasty: Served) -> None:
    job_id = hasty.session()
    assert hasty.put(job_id, "image", ALIKE).status_code == 201
    assert hasty.put(job_id, "video", VIDEO).status_code == 201
    view = hasty.finished(job_id)
    assert (view["status"], view["result"]["decision"]) == ("timed_out", "review")
    assert hasty.review(job_id, approved=True).status_code == 409
    _until_purged(hasty, job_id)


def test_the_files_of_a_finished_session_are_purged_and_its_result_is_kept(
    hasty: Served,
) -> None:
    job_id = hasty.session()
    assert hasty.put(job_id, "image", IMAGE).status_code == 201
    assert hasty.put(job_id, "video", VIDEO).status_code == 201
    result = hasty.finished(job_id)["result"]
    assert result["decision"] == "match"
    _until_purged(hasty, job_id)
    assert hasty.view(job_id)["result"] == result
