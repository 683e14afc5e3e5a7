"""A file counts once it is whole, readable and registered; anything else changes nothing."""

import hashlib
from collections.abc import Callable, Iterator

import pytest
from PIL import Image

from shared.codec import to_json
from shared.domain.faces import FACE_SIMILARITY, FaceSession
from shared.domain.ids import new_job_id
from shared.domain.status import JobStatus
from tests import media
from tests.unit.shared.facade.conftest import Facade

RED = media.jpeg(Image.new("RGB", (64, 48), "red"))
GREEN = media.jpeg(Image.new("RGB", (64, 48), "green"))
VIDEO = media.levels_video(range(0, 200, 20))

BAD = {
    "empty image": ("image", b""),
    "text as image": ("image", media.TEXT),
    "video as image": ("image", VIDEO),
    "cut image": ("image", media.cut(media.id_image(media.Person.HOPPER))),
    "bomb": ("image", media.bomb()),
    "empty video": ("video", b""),
    "text as video": ("video", media.TEXT),
    "image as video": ("video", RED),
    "cut video": ("video", media.cut(VIDEO)),
    "no frames": ("video", media.no_frames()),
    "sound only": ("video", media.sound()),
}


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def test_a_good_file_is_stored_registered_shown_and_told_to_the_engine(facade: Facade) -> None:
    job_id = facade.session()
    answer = facade.put(job_id, "image", RED, **{"content-type": "text/plain"})
    shown = {
        "slot": "image",
        "sha256": _sha256(RED),
        "media_type": "image/jpeg",
        "size": len(RED),
    }
    assert (answer.status_code, answer.json()) == (201, shown)
    assert facade.engine.provided == [(job_id, "image", _sha256(RED))]
    assert facade.stored() == {_sha256(RED)}
    assert facade.view(job_id)["inputs"] == [shown]
    assert facade.put(job_id, "video", VIDEO).json()["media_type"] == "video/mp4"
    assert [file["slot"] for file in facade.view(job_id)["inputs"]] == ["image", "video"]
    assert facade.temporary() == []


def test_the_same_file_again_is_fine_and_another_is_a_conflict(facade: Facade) -> None:
    job_id = facade.session()
    assert [facade.put(job_id, "image", RED).status_code for _ in range(3)] == [201, 200, 200]
    refused = facade.put(job_id, "image", GREEN)
    assert refused.status_code == 409
    assert "image" in refused.json()["detail"]
    assert facade.stored() == {_sha256(RED)}, "a refused file shows a person; it is not kept"
    assert {sha256 for _, _, sha256 in facade.engine.provided} == {_sha256(RED)}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_file_leaves_the_session_waiting_and_a_good_one_works_afterwards(
    facade: Facade, name: str
) -> None:
    job_id = facade.session()
    slot, data = BAD[name]
    answer = facade.put(job_id, slot, data, **{"content-type": "image/jpeg"})
    assert answer.status_code == 422, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert "send" in answer.json()["detail"]
    assert (facade.view(job_id)["inputs"], facade.stored()) == ([], set())
    assert (facade.engine.provided, facade.temporary()) == ([], [])
    assert facade.put(job_id, slot, {"image": RED, "video": VIDEO}[slot]).status_code == 201


def test_an_image_without_a_face_is_taken_in(facade: Facade) -> None:
    scenery = media.jpeg(media.scenery(320, 240), quality=60)
    assert facade.put(facade.session(), "image", scenery).status_code == 201


def test_a_file_over_its_slots_limit_is_refused_whatever_its_length_header_says(
    facade: Facade,
) -> None:
    job_id = facade.session()

    def pieces() -> Iterator[bytes]:
        yield from [b"x" * 10_000] * 11

    for body in (b"x" * 100_001, pieces()):
        answer = facade.put(job_id, "image", body)
        assert answer.status_code == 413
        assert "100000 bytes" in answer.json()["detail"]
    assert facade.put(job_id, "image", RED).status_code == 201
    assert facade.temporary() == []


def test_a_form_is_refused_with_a_word_of_how_to_send_a_file(facade: Facade) -> None:
    job_id = facade.session()
    url = f"/v1/jobs/{job_id}/files/image"
    answer = facade.client.put(url, files={"file": ("a.jpg", RED, "image/jpeg")})
    assert answer.status_code == 415
    assert "curl -T" in answer.json()["detail"]


def test_only_a_face_session_that_exists_takes_files(facade: Facade) -> None:
    image_job = {"prompt": "a red circle", "user_id": "ada"}
    other = facade.client.post("/v1/jobs/image-generation", json=image_job).json()["job_id"]
    assert facade.put(other, "image", RED).status_code == 409
    assert facade.put(str(new_job_id()), "image", RED).status_code == 404
    assert facade.put("nonsense", "image", RED).status_code == 422
    assert facade.put(facade.session(), "passport", RED).status_code == 422
    assert facade.stored() == set()


@pytest.mark.parametrize("status", [status for status in JobStatus if status.terminal])
def test_a_finished_session_takes_no_file(facade: Facade, status: JobStatus) -> None:
    job_id = facade.session()
    facade.engine.status = status
    answer = facade.put(job_id, "image", RED)
    assert answer.status_code == 409
    assert status in answer.json()["detail"]
    assert facade.view(job_id)["inputs"] == []


def test_a_file_that_arrives_as_its_session_ends_is_purged_with_it(facade: Facade) -> None:
    job_id = facade.session()
    facade.engine.closes_meanwhile = True
    assert facade.put(job_id, "image", RED).status_code == 409
    removed: list[str] = []
    assert facade.service.uploads.forget_finished(2**40, removed.append) == 1
    assert removed == [_sha256(RED)]


def test_an_engine_that_is_down_is_a_503_and_the_same_file_again_works(facade: Facade) -> None:
    job_id = facade.session()
    facade.engine.down = True
    answer = facade.put(job_id, "image", RED)
    assert answer.status_code == 503
    assert int(answer.headers["retry-after"]) > 0
    facade.engine.down = False
    assert facade.put(job_id, "image", RED).status_code in (200, 201)
    assert facade.engine.provided == [(job_id, "image", _sha256(RED))]


def test_a_job_that_its_engine_may_not_have_yet_takes_no_file_yet(facade: Facade) -> None:
    request = to_json(FaceSession("ada", "one"))
    job_id = facade.service.jobs.register(FACE_SIMILARITY, "celery", request, None).job_id
    assert facade.put(job_id, "image", RED).status_code == 503
    facade.service.jobs.accept(job_id)
    assert facade.put(job_id, "image", RED).status_code == 201


def test_a_store_without_room_is_a_503_and_the_same_file_again_works(
    facade: Facade, monkeypatch: pytest.MonkeyPatch
) -> None:
    job_id = facade.session()
    with monkeypatch.context() as patch:

        def full(*_: object) -> str:
            raise OSError(28, "No space left on device")

        patch.setattr("shared.adapters.artifacts.FsspecArtifacts.put_file", full)
        answer = facade.put(job_id, "image", RED)
        assert answer.status_code == 503
        assert "No space left" in answer.json()["detail"]
    assert facade.engine.provided == []
    assert facade.put(job_id, "image", RED).status_code == 200
    assert facade.stored() == {_sha256(RED)}


def test_a_review_reaches_the_engine_and_only_where_there_is_one(facade: Facade) -> None:
    job_id = facade.session()
    url = f"/v1/jobs/{job_id}/review"
    verdict = {"approved": True, "reviewer": "grace"}
    assert facade.client.post(url, json=verdict).status_code == 409
    facade.engine.status = JobStatus.REVIEW
    assert facade.client.post(url, json=verdict).status_code == 202
    assert facade.engine.verdicts == [(job_id, True, "grace")]
    for wrong in ({"approved": "yes", "reviewer": "grace"}, {"approved": True, "reviewer": " "}):
        assert facade.client.post(url, json=wrong).status_code == 422


def test_the_routes_of_a_workload_that_is_not_served_say_which_are(
    start: Callable[..., Facade],
) -> None:
    facade = start(workloads=frozenset({"image-generation"}))
    body = {"user_id": "ada", "session_id": "one"}
    for workload in ("face-similarity", "weather"):
        answer = facade.client.post(f"/v1/jobs/{workload}", json=body)
        assert answer.status_code == 404
        assert workload in answer.json()["detail"]
        assert "image-generation" in answer.json()["detail"]
    paths = facade.client.get("/openapi.json").json()["paths"]
    assert "/v1/jobs/face-similarity" not in paths
    assert "/v1/jobs/image-generation" in paths


def test_a_key_is_honoured_alike_for_every_workload(facade: Facade) -> None:
    def submit(session_id: str) -> tuple[int, str]:
        answer = facade.client.post(
            "/v1/jobs/face-similarity",
            json={"user_id": "ada", "session_id": session_id},
            headers={"Idempotency-Key": "key"},
        )
        return answer.status_code, answer.json().get("job_id", "")

    first = submit("one")
    assert first[0] == 202
    assert submit("one") == first
    assert submit("two") == (409, "")
    assert list(facade.engine.submitted.values()) == ["face-similarity"]


def test_a_json_body_without_a_length_is_counted_as_it_arrives(facade: Facade) -> None:
    def pieces() -> Iterator[bytes]:
        yield from [b" " * 1000] * 70

    answer = facade.client.post("/v1/jobs/face-similarity", content=pieces())
    assert answer.status_code == 413
    assert answer.headers["content-type"] == "application/problem+json"
