"""The face session, as everything else sees it."""

from collections.abc import Mapping
from dataclasses import dataclass

from shared.adapters.artifacts import FsspecArtifacts
from shared.adapters.face_results import SqlFaceResults
from shared.adapters.uploads import SqlUploads
from shared.compute.choose import face_embedder
from shared.domain.faces import FACE_SIMILARITY, FaceSession
from shared.policy import COMPARE_FACES
from shared.ports.artifacts import Artifacts
from shared.ports.face_embedder import FaceEmbedder
from shared.ports.uploads import Uploads
from shared.workloads.face_similarity.body import FaceSimilarityBody
from shared.workloads.face_similarity.rules import FaceRules
from shared.workloads.face_similarity.steps import FacePorts
from shared.workloads.workload import Wiring, Workload


@dataclass(frozen=True, slots=True)
class FaceParts:
    """What its steps need from outside, and where the uploads are registered and stored."""

    ports: FacePorts
    embedder: FaceEmbedder
    uploads: Uploads
    upload_store: Artifacts

    def load(self) -> None:
        """Load the face embedder."""
        self.embedder.load()


def _build(wiring: Wiring) -> FaceParts:
    settings = wiring.settings
    store = FsspecArtifacts(settings.uploads_url)
    ports = FacePorts(
        uploads=store,
        results=SqlFaceResults(wiring.database),
        rules=FaceRules(
            threshold=settings.face_threshold,
            review_margin=settings.face_review_margin,
            frames_per_video=settings.frames_per_video,
        ),
        checkpoint_every=settings.checkpoint_every,
    )
    return FaceParts(ports, face_embedder(settings), SqlUploads(wiring.database), store)


def _progress(_session: FaceSession) -> Mapping[str, int]:
    # How many frames there are, only the video says.
    return {COMPARE_FACES: 0}


FACES = Workload(
    name=FACE_SIMILARITY,
    title="face sessions",
    submitting="""Open a face session, which waits for an ID picture and a selfie video.

Bring them, in any order, with `PUT /v1/jobs/{job_id}/files/image` and `.../video` before its
deadline. The result is `{match, similarity, distance, threshold, decision, frame, model}`; a
`decision` of `review` waits for a person first (status `review`). The same `Idempotency-Key` and
body give the same session.""",
    body=FaceSimilarityBody,
    request=FaceSession,
    build=_build,
    progress=_progress,
    waits=True,
)
