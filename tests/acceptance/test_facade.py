"""What a client sees that knows only the HTTP API; the same on both engines."""

import hashlib
import io
import json
import os
import signal
import uuid

import pytest
from PIL import Image

from tests.acceptance.conftest import Served

EFFECTS = ["capture_credits", "notify_user", "reserve_credits"]


def test_a_job_runs_to_its_end_and_its_pictures_can_be_fetched(served: Served, engine: str) -> None:
    view = served.finished(served.submitted(n=2, steps=8, seed=5))
    assert (view["status"], view["engine"], view["error"]) == ("succeeded", engine, None)
    assert view["progress"] == {"done": 16, "total": 16}
    assert view["result"]["credits"] == 2
    assert [artifact["name"] for artifact in view["artifacts"]] == [
        "contact-sheet.png",
        "image-0.png",
        "image-1.png",
    ]
    for artifact in view["artifacts"]:
        content = served.client.get(artifact["url"]).content
        assert hashlib.sha256(content).hexdigest() == artifact["sha256"]
        Image.open(io.BytesIO(content)).verify()


def test_each_step_runs_once_and_the_fan_out_runs_on_gpu_workers(served: Served) -> None:
    view = served.finished(served.submitted(n=3, steps=4))
    steps = sorted(attempt["step"] for attempt in view["attempts"])
    assert steps == [
        "assemble",
        "capture_credits",
        *(f"generate_image/{index}" for index in range(3)),
        "notify_user",
        "reserve_credits",
    ]
    for attempt in view["attempts"]:
        role = "gpu" if attempt["step"].startswith("generate_image") else "cpu"
        assert role in attempt["worker"]
        assert attempt["outcome"] == "finished"


def test_the_same_key_and_body_give_the_same_job(served: Served) -> None:
    key = uuid.uuid4().hex
    first = served.submitted(key, steps=4, seed=1)
    assert served.submitted(key, steps=4, seed=1) == first
    conflict = served.submit(key, steps=5, seed=1)
    assert conflict.status_code == 409
    assert conflict.headers["content-type"] == "application/problem+json"
    view = served.finished(first)
    assert len(view["attempts"]) == 5


def test_the_same_key_without_a_seed_gives_the_same_job(served: Served) -> None:
    key = uuid.uuid4().hex
    assert served.submitted(key, steps=4) == served.submitted(key, steps=4)


@pytest.mark.parametrize(
    "changes",
    [
        {"prompt": ""},
        {"prompt": "   "},
        {"prompt": "x" * 501},
        {"n": 0},
        {"n": 9},
        {"n": "2"},
        {"steps": 0},
        {"steps": 151},
        {"steps": 2.5},
        {"seed": -1},
        {"width": 63},
        {"width": 100},
        {"height": 4096},
        {"user_id": ""},
        {"colour": "red"},
    ],
    ids=json.dumps,
)
def test_bad_input_is_a_problem_and_nothing_is_accepted(
    served: Served, changes: dict[str, object]
) -> None:
    before = served.client.get("/v1/jobs").json()["jobs"][:1]
    answer = served.submit(**changes)
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert problem["status"] == 422
    assert next(iter(changes)) in problem["detail"]
    after = served.client.get("/v1/jobs").json()["jobs"][:1]
    assert [job["job_id"] for job in after] == [job["job_id"] for job in before]


@pytest.mark.parametrize(
    ("path", "status"),
    [
        (f"/v1/jobs/{uuid.UUID(int=7)}", 404),
        (f"/v1/jobs/{uuid.UUID(int=7)}/events", 404),
        ("/v1/jobs/not-an-id", 422),
        ("/v1/jobs/not-an-id/events", 422),
        ("/v1/nothing", 404),
        ("/v1/jobs?limit=0", 422),
    ],
)
def test_unknown_and_malformed_ids_are_problems(served: Served, path: str, status: int) -> None:
    answer = served.client.get(path)
    assert (answer.status_code, answer.headers["content-type"]) == (
        status,
        "application/problem+json",
    )


def test_a_body_that_is_not_json_or_far_too_large_is_refused(served: Served) -> None:
    url = "/v1/jobs/image-generation"
    headers = {"content-type": "application/json"}
    assert served.client.post(url, content=b"{not json", headers=headers).status_code == 422
    assert served.client.post(url, content=b"x" * 70_000, headers=headers).status_code == 413


def test_events_show_progress_up_to_the_end(served: Served) -> None:
    job_id = served.submitted(steps=12)
    seen: list[dict[str, object]] = []
    with served.client.stream("GET", f"/v1/jobs/{job_id}/events") as stream:
        seen = [
            json.loads(line.removeprefix("data: "))
            for line in stream.iter_lines()
            if line.startswith("data: ")
        ]
    progress = [view["progress"]["done"] for view in seen]  # type: ignore[index]
    assert seen[-1]["status"] == "succeeded"
    assert progress == sorted(progress)
    assert len(set(progress)) > 2


def test_a_cancel_stops_the_step_and_releases_the_credits(served: Served) -> None:
    job_id = served.submitted(steps=100)
    served.computing(job_id)
    assert served.client.post(f"/v1/jobs/{job_id}/cancel").status_code == 202
    view = served.finished(job_id)
    assert view["status"] == "cancelled"
    assert view["progress"]["done"] < 100
    steps = {attempt["step"] for attempt in view["attempts"]}
    assert "release_credits" in steps
    assert not steps & {"capture_credits", "notify_user", "assemble"}


def test_a_cancel_of_a_finished_job_changes_nothing(served: Served) -> None:
    job_id = served.submitted(steps=2)
    before = served.finished(job_id)
    assert served.client.post(f"/v1/jobs/{job_id}/cancel").status_code == 202
    assert served.view(job_id) == before


def test_a_killed_worker_costs_time_but_neither_the_job_nor_a_second_effect(
    served: Served,
) -> None:
    job_id = served.submitted(steps=30)
    victim = served.computing(job_id)
    os.killpg(os.getpgid(victim["pid"]), signal.SIGKILL)
    view = served.finished(job_id)
    assert view["status"] == "succeeded"
    attempts = [a for a in view["attempts"] if a["step"] == "generate_image/0"]
    assert [attempt["outcome"] for attempt in attempts] == ["died", "finished"]
    assert view["result"]["images"][0]["resumed_from"] >= 5
    assert [a["outcome"] for a in view["attempts"] if a["step"] in EFFECTS] == ["finished"] * 3


def test_a_picture_is_the_same_after_a_kill_as_without_one(served: Served) -> None:
    calm = served.finished(served.submitted(steps=25, seed=99))
    job_id = served.submitted(steps=25, seed=99)
    victim = served.computing(job_id)
    os.killpg(os.getpgid(victim["pid"]), signal.SIGKILL)
    struck = served.finished(job_id)
    assert [a["sha256"] for a in struck["artifacts"]] == [a["sha256"] for a in calm["artifacts"]]


def test_jobs_are_listed_newest_first_and_page_by_page(served: Served) -> None:
    made = [served.submitted(steps=2) for _ in range(3)]
    first = served.client.get("/v1/jobs", params={"limit": 2}).json()
    second = served.client.get(first["next"]).json()
    listed = [job["job_id"] for job in first["jobs"] + second["jobs"]]
    assert listed[:3] == made[::-1]
    for job_id in made:
        served.finished(job_id)
    page = served.client.get("/v1/jobs", params={"status": "succeeded", "limit": 2}).json()
    done = page["jobs"] + served.client.get(page["next"]).json()["jobs"]
    assert len({job["job_id"] for job in done}) == 4
    assert {job["status"] for job in done} == {"succeeded"}


def test_operator_routes_name_workers_settings_and_bounds(served: Served, engine: str) -> None:
    workers = served.client.get("/v1/operator/workers").json()
    roles = {worker["role"] for worker in workers}
    # Celery's clock announces itself too, once it is up; readiness does not wait for it.
    assert roles - {"beat"} == {"cpu", "gpu"}
    settings = served.client.get("/v1/operator/settings").json()
    assert all(setting["reason"] and setting["source"] for setting in settings)
    bounds = served.client.get("/v1/operator/bounds").json()
    assert {"killed", "stopped"} <= set(bounds)
    metrics = served.client.get("/metrics").text
    assert "changeover_requests_total" in metrics


def test_the_api_describes_itself(served: Served) -> None:
    paths = served.client.get("/openapi.json").json()["paths"]
    assert "/v1/jobs/image-generation" in paths
