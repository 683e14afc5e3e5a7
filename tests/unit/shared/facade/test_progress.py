"""Progress is the furthest that each step that counts has come."""

from shared.codec import to_json
from shared.domain.faces import FACE_SIMILARITY, FaceSession
from shared.domain.ids import new_job_id
from shared.domain.jobs import IMAGE_GENERATION, ImageJob
from shared.domain.records import AttemptRecord
from shared.domain.status import RecordKind
from shared.facade.progress import progress_of
from shared.ports.jobs import Acceptance, RegisteredJob

IMAGES = ImageJob("a red circle", "ada", n=2, steps=10, seed=1, width=64, height=64)
FACES = FaceSession("ada", "one")


def a_job(workload: str, request: object) -> RegisteredJob:
    return RegisteredJob(
        new_job_id(), workload, "celery", to_json(request), Acceptance.ACCEPTED, 0.0
    )


def a_record(
    step: str, done: int, total: int, kind: RecordKind = RecordKind.PROGRESS, attempt: int = 1
) -> AttemptRecord:
    return AttemptRecord(kind, "job", step, attempt, f"{step}-{attempt}", "w", 1, done, total)


def progress(workload: str, request: object, *records: AttemptRecord) -> tuple[int, int]:
    found = progress_of(a_job(workload, request), records)
    return found.done, found.total


def test_all_pictures_count_before_any_has_begun() -> None:
    assert progress(IMAGE_GENERATION, IMAGES) == (0, 20)


def test_pictures_add_up_and_a_later_attempt_does_not_set_one_back() -> None:
    records = (
        a_record("generate_image/0", 7, 10),
        a_record("generate_image/0", 5, 10, attempt=2),
        a_record("generate_image/1", 0, 10, RecordKind.FINISHED),
        a_record("assemble", 3, 3),
    )
    assert progress(IMAGE_GENERATION, IMAGES, *records) == (17, 20)


def test_only_the_video_says_how_many_frames_there_are() -> None:
    assert progress(FACE_SIMILARITY, FACES) == (0, 0)
    assert progress(FACE_SIMILARITY, FACES, a_record("compare_faces", 3, 16)) == (3, 16)
    finished = a_record("compare_faces", 0, 0, RecordKind.FINISHED)
    records = (a_record("open_session", 0, 0), a_record("compare_faces", 3, 16), finished)
    assert progress(FACE_SIMILARITY, FACES, *records) == (16, 16)
