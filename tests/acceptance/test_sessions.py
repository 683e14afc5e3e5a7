"""Face sessions as a client sees them over HTTP; the same on both engines.

The embedder is simulated: it takes a picture's mean colour for a face, so two pictures of one
colour match. `test_real_faces.py` has the real one.
"""

import os
import signal
import socket
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import repeat
from typing import Any

import httpx
import pytest
from PIL import Image

from tests import media
from tests.acceptance.conftest import Served, start_up, stop
from tests.contract.racing import in_processes

IMAGE_LIMIT, VIDEO_LIMIT = 100_000, 400_000
STEPS = ["close_session", "compare_faces", "notify_user", "open_session", "save_result"]

BAD = [
    ("image", b""),
    ("image", media.TEXT),
    ("image", media.cut(media.id_image(media.Person.HOPPER))),
    ("image", media.bomb()),
    ("image", b"\xff" * (IMAGE_LIMIT + 1)),
    ("video", b""),
    ("video", media.cut(media.levels_video(range(0, 200, 20)))),
    ("video", media.no_frames()),
    ("video", media.id_image(media.Person.HOPPER)),
]


def grey(level: int) -> bytes:
    """A picture; of two, a third of the difference in level is about 0.6 of distance."""
    return media.jpeg(Image.new("RGB", (64, 48), (level, level, level)))


def clip(level: int, frames: int = 8) -> bytes:
    return media.levels_video(repeat(level, frames))


IMAGE, VIDEO, ALIKE = grey(200), clip(200), grey(112)


@pytest.fixture(scope="module")
def faces(engine: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    served = start_up(
        tmp_path_factory.mktemp(engine),
        *("--compute", "simulated", "--detection-budget", "5"),
        CHANGEOVER_BACKEND=engine,
        CHANGEOVER_SIMULATED_STEP_S="0.1",
        CHANGEOVER_IMAGE_LIMIT_BYTES=str(IMAGE_LIMIT),
        CHANGEOVER_VIDEO_LIMIT_BYTES=str(VIDEO_LIMIT),
    )
    yield served
    assert stop(served) == []


def _waiting(served: Served, job_id: str) -> dict[str, Any]:
    return served.until(job_id, lambda view: view["status"] == "waiting")


def _comparisons(view: dict[str, Any]) -> list[str]:
    return [a["outcome"] for a in view["attempts"] if a["step"] == "compare_faces"]


def _completed(served: Served, job_id: str) -> dict[str, Any]:
    """Bring what is missing of a session and return it once it has succeeded."""
    for slot, data in (("image", IMAGE), ("video", VIDEO)):
        assert served.put(job_id, slot, data).status_code in (200, 201)
    view = served.finished(job_id)
    assert (view["status"], view["result"]["decision"]) == ("succeeded", "match"), view
    return view


@pytest.mark.parametrize("order", [("image", "video"), ("video", "image")], ids=" then ".join)
def test_a_session_waits_for_both_files_and_compares_once(
    faces: Served, engine: str, order: tuple[str, str]
) -> None:
    job_id = faces.session()
    files = {"image": IMAGE, "video": VIDEO}
    assert faces.put(job_id, order[0], files[order[0]]).status_code == 201
    view = _waiting(faces, job_id)
    assert [file["slot"] for file in view["inputs"]] == [order[0]]
    assert faces.put(job_id, order[1], files[order[1]]).status_code == 201
    view = faces.finished(job_id)
    assert (view["status"], view["engine"], view["error"]) == ("succeeded", engine, None)
    assert sorted(attempt["step"] for attempt in view["attempts"]) == STEPS
    for attempt in view["attempts"]:
        role = "gpu" if attempt["step"] == "compare_faces" else "cpu"
        assert role in attempt["worker"]
        assert attempt["outcome"] == "finished"
    assert view["progress"] == {"done": 8, "total": 8}
    result = view["result"]
    assert (result["match"], result["decision"]) == (True, "match")
    assert result["similarity"] > 0.9
    assert set(result) == {
        *("match", "similarity", "distance", "threshold", "decision", "frame", "model")
    }


def test_different_faces_do_not_match_and_no_face_is_a_result(faces: Served) -> None:
    expected = {"no_match": (grey(255), clip(60)), "no_face": (grey(0), VIDEO)}
    jobs = {decision: faces.session() for decision in expected}
    for decision, (image, video) in expected.items():
        assert faces.put(jobs[decision], "image", image).status_code == 201
        assert faces.put(jobs[decision], "video", video).status_code == 201
    for decision, job_id in jobs.items():
        view = faces.finished(job_id)
        assert view["status"] == "succeeded"
        assert (view["result"]["decision"], view["result"]["match"]) == (decision, False)
        assert _comparisons(view) == ["finished"]


def _bring(url: str, number: int) -> list[int]:
    slot, data = (("image", IMAGE), ("video", VIDEO))[number % 2]
    base, _, job_ids = url.partition("#")
    with httpx.Client(base_url=base, timeout=30) as client:
        return [
            client.put(f"/v1/jobs/{job_id}/files/{slot}", content=data).status_code
            for job_id in job_ids.split(",")
        ]


def test_uploads_from_several_processes_at_once_make_one_comparison(faces: Served) -> None:
    job_ids = [faces.session(session_id=str(number)) for number in range(4)]
    answers = in_processes(4, _bring, f"{faces.client.base_url}#{','.join(job_ids)}")
    assert {status for statuses in answers for status in statuses} <= {200, 201}
    for job_id in job_ids:
        view = faces.finished(job_id)
        assert (view["status"], _comparisons(view)) == ("succeeded", ["finished"])
        assert sorted(attempt["step"] for attempt in view["attempts"]) == STEPS


def test_both_files_at_the_same_moment_make_one_comparison(faces: Served) -> None:
    job_id = faces.session()
    with ThreadPoolExecutor(2) as pool:
        put = lambda file: faces.put(job_id, *file).status_code  # noqa: E731
        assert list(pool.map(put, [("image", IMAGE), ("video", VIDEO)])) == [201, 201]
    view = faces.finished(job_id)
    assert (view["status"], _comparisons(view)) == ("succeeded", ["finished"])


def test_the_same_file_again_changes_nothing_and_another_is_a_conflict(faces: Served) -> None:
    job_id = faces.session()
    assert faces.put(job_id, "image", IMAGE).status_code == 201
    assert faces.put(job_id, "image", IMAGE).status_code == 200
    refused = faces.put(job_id, "image", grey(90))
    assert refused.status_code == 409
    assert refused.headers["content-type"] == "application/problem+json"
    assert _waiting(faces, job_id)["inputs"][0]["size"] == len(IMAGE)
    assert faces.put(job_id, "video", VIDEO).status_code == 201
    # While it is compared, or just was.
    assert faces.put(job_id, "video", VIDEO).status_code in (200, 409)
    view = faces.finished(job_id)
    assert (view["result"]["decision"], _comparisons(view)) == ("match", ["finished"])


def test_a_file_before_or_after_its_session_is_refused(faces: Served) -> None:
    assert faces.put(str(uuid.uuid4()), "image", IMAGE).status_code == 404
    assert faces.put("not-an-id", "image", IMAGE).status_code == 422
    job_id = faces.session()
    before = _completed(faces, job_id)
    for data in (IMAGE, grey(90)):
        assert faces.put(job_id, "image", data).status_code == 409
    assert faces.view(job_id) == before


def test_an_image_job_takes_no_files_and_no_review(faces: Served) -> None:
    job_id = faces.submitted(steps=1)
    assert faces.put(job_id, "image", IMAGE).status_code == 409
    assert faces.review(job_id, approved=True).status_code == 409


def test_bad_files_leave_the_session_waiting_and_good_ones_work_afterwards(
    faces: Served,
) -> None:
    job_id = faces.session()
    for slot, data in BAD:
        answer = faces.put(job_id, slot, data)
        assert answer.status_code in (413, 422), answer.text
        assert answer.headers["content-type"] == "application/problem+json"
    assert _waiting(faces, job_id)["inputs"] == []
    assert _comparisons(_completed(faces, job_id)) == ["finished"]


def _raw(served: Served, job_id: str, *pieces: bytes, length: int) -> bytes:
    """Send pieces under a `Content-Length` of one's own and return what is answered."""
    base = served.client.base_url
    with socket.create_connection((base.host, base.port), timeout=10) as connection:
        head = f"PUT /v1/jobs/{job_id}/files/image HTTP/1.1\r\nHost: h\r\nContent-Length: {length}"
        connection.sendall(f"{head}\r\n\r\n".encode())
        for piece in pieces:
            connection.sendall(piece)
        if sum(map(len, pieces)) < length <= IMAGE_LIMIT:
            return b""  # goes away in the middle
        return connection.recv(64)


def test_no_length_header_gets_a_file_over_the_limit_in(faces: Served) -> None:
    job_id = faces.session()
    chunked = faces.put(job_id, "image", iter([b"x" * 10_000] * 11))
    assert (chunked.status_code, str(IMAGE_LIMIT) in chunked.text) == (413, True)
    # Refused by what it announces, before a byte of it was sent.
    assert b" 413 " in _raw(faces, job_id, length=10**12)
    # Shorter than what comes: the rest is no part of the file, which is therefore cut off.
    assert b" 422 " in _raw(faces, job_id, IMAGE, length=len(IMAGE) // 2)
    assert _waiting(faces, job_id)["inputs"] == []
    _completed(faces, job_id)


def test_a_client_that_goes_away_leaves_no_file_and_the_session_waiting(faces: Served) -> None:
    job_id = faces.session()
    half = len(IMAGE) // 2
    assert _raw(faces, job_id, IMAGE[:half], length=len(IMAGE)) == b""
    give_up_at = time.monotonic() + 20
    while list(faces.folder.rglob("changeover-upload-*")):
        assert time.monotonic() < give_up_at
        time.sleep(0.05)
    assert _waiting(faces, job_id)["inputs"] == []
    _completed(faces, job_id)


def test_files_are_taken_in_while_every_worker_is_down(faces: Served, engine: str) -> None:
    with faces.suspended(f"{engine}_impl.worker"):
        job_id = faces.session()
        assert faces.put(job_id, "video", VIDEO).status_code == 201
        assert faces.put(job_id, "image", IMAGE).status_code == 201
        view = faces.view(job_id)
        assert view["status"] in ("accepted", "waiting", "running")
        assert len(view["inputs"]) == 2
    view = faces.finished(job_id)
    assert (view["status"], _comparisons(view)) == ("succeeded", ["finished"])


def test_an_engine_that_is_down_is_a_503_and_the_same_file_again_works(
    faces: Served, engine: str
) -> None:
    job_id = faces.session()
    assert faces.put(job_id, "image", IMAGE).status_code == 201
    _waiting(faces, job_id)
    with faces.suspended({"celery": "valkey-server", "temporal": "start-dev"}[engine]):
        began = time.monotonic()
        answer = faces.put(job_id, "video", VIDEO)
        assert time.monotonic() - began < 8  # catches a hang; the engines' bound is 2 s a call
        assert answer.status_code == 503, answer.text
        assert int(answer.headers["retry-after"]) > 0
    give_up_at = time.monotonic() + 30
    while (retried := faces.put(job_id, "video", VIDEO)).status_code == 503:
        assert time.monotonic() < give_up_at
        time.sleep(0.2)
    assert retried.status_code in (200, 201), retried.text
    view = faces.finished(job_id)
    assert (view["status"], _comparisons(view)) == ("succeeded", ["finished"])


@pytest.mark.parametrize("approved", [True, False])
def test_a_borderline_session_waits_for_a_person(faces: Served, approved: bool) -> None:
    job_id = faces.session()
    assert faces.review(job_id, approved=approved).status_code == 409
    faces.put(job_id, "image", ALIKE)
    faces.put(job_id, "video", VIDEO)
    shown = faces.until(job_id, lambda view: view["status"] == "review")["result"]
    assert (shown["decision"], shown["match"]) == ("review", False)
    assert faces.review(job_id, approved=approved).status_code == 202
    view = faces.finished(job_id)
    result = view["result"]
    assert view["status"] == "succeeded"
    decision = "match" if approved else "no_match"
    assert result == {**shown, "match": approved, "decision": decision}
    assert abs(result["distance"] - result["threshold"]) < 0.05
    assert faces.review(job_id, approved=not approved).status_code == 409
    assert faces.view(job_id) == view


def test_a_cancelled_session_takes_no_more_files(faces: Served) -> None:
    job_id = faces.session()
    faces.put(job_id, "image", IMAGE)
    _waiting(faces, job_id)
    assert faces.client.post(f"/v1/jobs/{job_id}/cancel").status_code == 202
    view = faces.finished(job_id)
    assert view["status"] == "cancelled"
    assert sorted(attempt["step"] for attempt in view["attempts"]) == [
        "close_session",
        "open_session",
    ]
    assert faces.put(job_id, "video", VIDEO).status_code == 409


def test_a_killed_worker_costs_a_comparison_time_but_not_its_result(faces: Served) -> None:
    job_id = faces.session()
    faces.put(job_id, "image", IMAGE)
    faces.put(job_id, "video", clip(200, frames=40))
    view = faces.until(job_id, lambda view: view["progress"]["done"] >= 3)
    (victim,) = (a for a in view["attempts"] if a["step"] == "compare_faces")
    os.killpg(os.getpgid(victim["pid"]), signal.SIGKILL)
    view = faces.finished(job_id)
    assert (view["status"], view["result"]["decision"]) == ("succeeded", "match")
    assert view["progress"] == {"done": 16, "total": 16}
    assert _comparisons(view) == ["died", "finished"]
    assert [a["outcome"] for a in view["attempts"] if a["step"] == "notify_user"] == ["finished"]


def test_the_same_key_gives_the_same_session(faces: Served) -> None:
    key = uuid.uuid4().hex
    job_id = faces.session(key)
    assert faces.session(key) == job_id
    assert faces.session() != job_id
    listed = faces.client.get("/v1/jobs", params={"workload": "face-similarity"}).json()["jobs"]
    assert job_id in {job["job_id"] for job in listed}
