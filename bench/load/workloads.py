"""What the bench knows of each workload that it measures; one that is not here is only served."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from bench.load.faces import session_files
from shared.domain.faces import FACE_SIMILARITY
from shared.domain.jobs import IMAGE_GENERATION


@dataclass(frozen=True, slots=True)
class MeasuredWorkload:
    """How its warm-up job is made, and what every completed job owes."""

    owed_effects: list[str]
    warm_up: Mapping[str, object]
    """The body of the warm-up job, without what the stage says of its jobs' shape."""
    inputs: Callable[[], Mapping[str, bytes]] = dict
    """The files that a job waits for, by slot."""
    result: str = "artifacts"
    """The field of the job's view without which a completed job is not whole."""
    shaped: bool = True
    """Whether the stage's `job` table says how large its jobs are."""


WORKLOADS: Mapping[str, MeasuredWorkload] = {
    IMAGE_GENERATION: MeasuredWorkload(
        owed_effects=["reserve_credits", "capture_credits", "notify_user"],
        warm_up={"prompt": "a red circle on a blue background", "user_id": "warm-up", "seed": 1},
    ),
    FACE_SIMILARITY: MeasuredWorkload(
        owed_effects=["notify_user"],
        warm_up={"user_id": "warm-up", "session_id": "warm-up"},
        inputs=session_files,
        result="result",
        shaped=False,
    ),
}
