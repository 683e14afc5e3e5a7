"""The face workload's rules, with ports held in the hand and grey levels for faces."""

import json
from dataclasses import dataclass, field

import numpy as np
import pytest
from PIL import Image

from shared.domain.errors import JobCancelled, StepRefused, WorkerStopping
from shared.domain.faces import Decision, FaceResult
from shared.ports.face_embedder import FaceBox, FaceEmbedding, Pixels
from shared.workloads.face_similarity import steps
from shared.workloads.face_similarity.rules import FaceRules
from shared.workloads.face_similarity.steps import FacePorts
from tests.media import levels_video, png

FRAMES = 12
LEVELS = [60, 240, 100, 230, 120, 220, 110, 205, 90, 150, 250, 70]
CLOSEST = 7
GREY = 200
DARK = 5


@dataclass
class Ctx:
    job_id: str = "job"
    step: str = "compare_faces"
    attempt: int = 1
    idempotency_key: str = "job/step"
    resume: str | None = None
    stop_at: int | None = None
    stop: type[Exception] = WorkerStopping
    told: list[tuple[int, int]] = field(default_factory=list)
    refs: list[str] = field(default_factory=list)
    applied: list[str] = field(default_factory=list)

    def progress(self, done: int, total: int) -> None:
        self.told.append((done, total))
        if done == self.stop_at:
            raise self.stop

    def checkpoint(self, ref: str) -> None:
        self.refs.append(ref)

    def resume_from(self) -> str | None:
        return self.resume

    def apply(self, effect: str, amount: int | None = None) -> None:
        self.applied.append(effect)


class Blobs(dict[str, bytes]):
    def get(self, sha256: str) -> bytes:  # type: ignore[override]
        return self[sha256]


class Results(dict[str, str]):
    def save(self, key: str, job_id: str, result_json: str) -> str:
        return self.setdefault(key, result_json)


@dataclass
class GreyLevels:
    """A face is a picture's grey level, 0 to 1; there is none in the dark."""

    name: str = "grey levels"
    looked: int = 0

    def load(self) -> None: ...

    def embed(self, image: Pixels, limit: int = 1) -> list[FaceEmbedding]:
        self.looked += 1
        level = float(image.mean())
        if level < 20:
            return []
        return [FaceEmbedding(FaceBox(0, 0, 64, 48), np.full(128, level / 255 / 128**0.5))]


def grey(level: int) -> bytes:
    return png(Image.new("RGB", (64, 48), (level, level, level)))


@pytest.fixture(scope="module")
def files() -> dict[str, bytes]:
    return {
        "image": grey(GREY),
        "dark image": grey(DARK),
        "video": levels_video(LEVELS),
        "dark video": levels_video([DARK] * FRAMES),
        "half dark video": levels_video([DARK] * 6 + [GREY] * 6),
        "text": b"no picture and no video",
    }


@pytest.fixture
def ports(files: dict[str, bytes]) -> FacePorts:
    rules = FaceRules(threshold=0.3, review_margin=0.1, frames_per_video=FRAMES)
    return FacePorts(Blobs(files), Results(), rules, checkpoint_every=4)  # type: ignore[arg-type]


def compare(
    ports: FacePorts, ctx: Ctx | None = None, image: str = "image", video: str = "video"
) -> FaceResult:
    return steps.compare_faces(ctx or Ctx(), image, video, ports, GreyLevels())


def test_the_closest_frame_counts(ports: FacePorts) -> None:
    result = compare(ports)
    assert result.frame == CLOSEST
    assert result.distance == pytest.approx(5 / 255, abs=0.01)
    assert result.decision is Decision.MATCH
    assert result.model == "grey levels"


def test_every_frame_is_a_progress_step(ports: FacePorts) -> None:
    ctx = Ctx()
    compare(ports, ctx)
    assert ctx.told == [(done, FRAMES) for done in range(FRAMES + 1)]


def test_checkpoints_are_small_and_come_every_few_frames_but_not_at_the_end(
    ports: FacePorts,
) -> None:
    ctx = Ctx()
    compare(ports, ctx)
    assert [json.loads(ref)["done"] for ref in ctx.refs] == [4, 8]
    assert max(len(ref) for ref in ctx.refs) < 200


@pytest.mark.parametrize("stop_at", range(1, FRAMES + 1))
def test_a_resumed_comparison_gives_the_same_result_and_looks_only_at_what_is_left(
    ports: FacePorts, stop_at: int
) -> None:
    first = Ctx(stop_at=stop_at)
    with pytest.raises(WorkerStopping):
        compare(ports, first)
    embedder = GreyLevels()
    second = Ctx(resume=first.refs[-1] if first.refs else None)
    result = steps.compare_faces(second, "image", "video", ports, embedder)
    assert result == compare(ports)
    kept = min(stop_at // 4 * 4, 8)
    assert second.told == [(done, FRAMES) for done in range(kept, FRAMES + 1)]
    assert embedder.looked == 1 + FRAMES - kept


@pytest.mark.parametrize(
    "change",
    [{"model": "another"}, {"total": 99}, {"done": FRAMES}, {"done": -1}, {"distance": "near"}],
)
def test_a_checkpoint_that_does_not_fit_costs_time_and_not_the_job(
    ports: FacePorts, change: dict[str, object]
) -> None:
    first = Ctx()
    expected = compare(ports, first)
    resumed = Ctx(resume=json.dumps(json.loads(first.refs[0]) | change))
    assert compare(ports, resumed) == expected
    assert resumed.told[0] == (0, FRAMES)


def test_a_checkpoint_that_is_rubbish_costs_time_and_not_the_job(ports: FacePorts) -> None:
    assert compare(ports, Ctx(resume="4:rubbish")) == compare(ports)


def test_a_cancel_stops_at_the_next_frame(ports: FacePorts) -> None:
    ctx = Ctx(stop_at=3, stop=JobCancelled)
    with pytest.raises(JobCancelled):
        compare(ports, ctx)
    assert ctx.told[-1] == (3, FRAMES)


@pytest.mark.parametrize("video", ["video", "text", "missing"])
def test_a_picture_without_a_face_is_a_result_whatever_the_video(
    ports: FacePorts, video: str
) -> None:
    result = compare(ports, image="dark image", video=video)
    assert result.decision is Decision.NO_FACE
    assert (result.match, result.similarity, result.distance, result.frame) == (
        False,
        0.0,
        None,
        None,
    )


def test_a_video_without_a_face_is_a_result(ports: FacePorts) -> None:
    ctx = Ctx()
    result = compare(ports, ctx, video="dark video")
    assert (result.decision, result.distance, result.frame) == (Decision.NO_FACE, None, None)
    assert ctx.told[-1] == (FRAMES, FRAMES)


def test_frames_without_a_face_are_passed_over_and_survive_a_resume(ports: FacePorts) -> None:
    first = Ctx(stop_at=5)
    with pytest.raises(WorkerStopping):
        compare(ports, first, video="half dark video")
    result = compare(ports, Ctx(resume=first.refs[-1]), video="half dark video")
    assert result == compare(ports, video="half dark video")
    assert result.frame is not None
    assert result.frame >= 6


@pytest.mark.parametrize(
    ("image", "video", "complaint"),
    [
        ("text", "video", "of no known type; send a JPEG"),
        ("image", "text", "of no known type; send an MP4"),
        ("video", "video", "the file is video/mp4; send a JPEG"),
        ("image", "image", "the file is image/png; send an MP4"),
    ],
)
def test_a_file_that_cannot_be_read_is_never_tried_again(
    ports: FacePorts, image: str, video: str, complaint: str
) -> None:
    with pytest.raises(StepRefused, match=complaint):
        compare(ports, image=image, video=video)


def test_a_repeat_returns_the_result_that_is_stored(ports: FacePorts) -> None:
    first = compare(ports)
    assert steps.save_result(Ctx(), first, ports) == first
    other = compare(ports, video="dark video")
    assert steps.save_result(Ctx(), other, ports) == first
    assert steps.save_result(Ctx(idempotency_key="another job/step"), other, ports) == other


def test_the_user_is_told_by_an_effect() -> None:
    ctx = Ctx()
    assert steps.notify_user(ctx)
    assert ctx.applied == ["notify_user"]
