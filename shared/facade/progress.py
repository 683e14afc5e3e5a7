"""How far a job is, from what its attempts have recorded."""

from collections.abc import Callable, Mapping, Sequence

from shared.codec import from_json
from shared.domain.faces import FACE_SIMILARITY
from shared.domain.jobs import IMAGE_GENERATION, ImageJob
from shared.domain.records import AttemptRecord
from shared.domain.status import RecordKind
from shared.facade.models import Progress
from shared.policy import COMPARE_FACES
from shared.ports.jobs import RegisteredJob
from shared.workloads.image_generation import generate_step

_DONE = frozenset({RecordKind.FINISHED, RecordKind.REPLAYED})


def _of_images(request: str) -> Mapping[str, int]:
    job = from_json(ImageJob, request)
    return {generate_step(index): job.steps for index in range(job.n)}


def _of_faces(_request: str) -> Mapping[str, int]:
    # How many frames there are, only the video says.
    return {COMPARE_FACES: 0}


_STEPS: Mapping[str, Callable[[str], Mapping[str, int]]] = {
    IMAGE_GENERATION: _of_images,
    FACE_SIMILARITY: _of_faces,
}
"""By workload: the steps that count, each with its total as far as the request tells it."""


def progress_of(job: RegisteredJob, records: Sequence[AttemptRecord]) -> Progress:
    """Return what is done of all, counting each step's furthest attempt."""
    totals = dict(_STEPS[job.workload](job.request))
    done = dict.fromkeys(totals, 0)
    finished: set[str] = set()
    for record in records:
        if record.step in totals:
            totals[record.step] = max(totals[record.step], record.total)
            done[record.step] = max(done[record.step], record.done)
            if record.kind in _DONE:
                finished.add(record.step)
    done |= {step: totals[step] for step in finished}
    return Progress(done=sum(done.values()), total=sum(totals.values()))
