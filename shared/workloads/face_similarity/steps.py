"""The face workload: compare a document's face with a selfie video's, save the result, notify."""

from bisect import bisect_right
from dataclasses import dataclass
from typing import TYPE_CHECKING

from shared.codec import from_json, to_json
from shared.domain.errors import StepRefused, UnreadableMedia
from shared.domain.faces import FaceResult
from shared.ports.artifacts import Artifacts
from shared.ports.face_embedder import FaceEmbedder, FaceEmbedding
from shared.ports.face_results import FaceResults
from shared.ports.step_context import StepContext
from shared.workloads.face_similarity.rules import FaceRules

if TYPE_CHECKING:
    from shared.compute.video_media import Video


@dataclass(frozen=True, slots=True)
class FacePorts:
    """What the face steps need from outside. `uploads` has the two files."""

    uploads: Artifacts
    results: FaceResults
    rules: FaceRules
    checkpoint_every: int


@dataclass(frozen=True, slots=True)
class _Search:
    """How far the search for the closest frame is; also its checkpoint, as JSON."""

    model: str
    total: int
    done: int = 0
    frame: int | None = None
    distance: float | None = None


def compare_faces(
    ctx: StepContext, image_sha256: str, video_sha256: str, ports: FacePorts, embedder: FaceEmbedder
) -> FaceResult:
    """Compare the largest face of the picture with that of each sampled frame of the video.

    The closest frame counts. A face other than the largest does not: a document has a small copy
    of its picture, and a selfie may show a bystander, or the document. No face is a result;
    `StepRefused` if a file cannot be read, as trying again would not help.
    """
    # Late, because they bring numpy and FFmpeg, which workers of other steps should not load.
    from shared.compute.image_media import decode_image
    from shared.compute.video_media import open_video

    try:
        faces = embedder.embed(decode_image(ports.uploads.get(image_sha256)))
        if not faces:
            return ports.rules.result(None, None, embedder.name)
        with open_video(ports.uploads.get(video_sha256)) as video:
            closest = _closest_frame(ctx, faces[0], video, ports, embedder)
    except UnreadableMedia as error:
        raise StepRefused(str(error)) from error
    return ports.rules.result(closest.distance, closest.frame, embedder.name)


def _closest_frame(
    ctx: StepContext, face: FaceEmbedding, video: "Video", ports: FacePorts, embedder: FaceEmbedder
) -> _Search:
    """Look at each sampled frame, saving a checkpoint every `checkpoint_every` of them."""
    import numpy as np

    numbers = video.spread(ports.rules.frames_per_video)
    search = _resumed(ctx, _Search(embedder.name, len(numbers)))
    ctx.progress(search.done, search.total)
    for number, pixels in video.frames(numbers[search.done :]):
        distance, frame = search.distance, search.frame
        for found in embedder.embed(pixels):
            here = float(np.linalg.norm(face.vector - found.vector))
            if distance is None or here < distance:
                distance, frame = here, number
        done = bisect_right(numbers, number)
        search = _Search(search.model, search.total, done, frame, distance)
        if done % ports.checkpoint_every == 0 and done < search.total:
            ctx.checkpoint(to_json(search))
        ctx.progress(done, search.total)
    if not search.done:
        raise UnreadableMedia("no frame of the video can be decoded; send another video")
    return search


def _resumed(ctx: StepContext, fresh: _Search) -> _Search:
    ref = ctx.resume_from()
    if ref is None:
        return fresh
    try:
        saved = from_json(_Search, ref)
    except ValueError:
        # A damaged checkpoint costs time, not the job.
        return fresh
    # Distances of another model, or of another sample of frames, do not compare.
    same = (saved.model, saved.total) == (fresh.model, fresh.total)
    return saved if same and 0 <= saved.done < saved.total else fresh


def save_result(ctx: StepContext, result: FaceResult, ports: FacePorts) -> FaceResult:
    """Store the result once; a repeat returns the one that is stored."""
    stored = ports.results.save(ctx.idempotency_key, ctx.job_id, to_json(result))
    return from_json(FaceResult, stored)


def notify_user(ctx: StepContext) -> bool:
    """Tell the user that the result is there."""
    ctx.apply("notify_user")
    return True
