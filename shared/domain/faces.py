"""Requests and results of face comparisons, the same for both engines."""

from dataclasses import dataclass
from enum import StrEnum

FACE_SIMILARITY = "face-similarity"

IMAGE = "image"
"""The slot of the picture on the identity document."""
VIDEO = "video"
"""The slot of the selfie video."""
SLOTS = frozenset({IMAGE, VIDEO})
"""What a session waits for before it compares."""


@dataclass(frozen=True, slots=True)
class FaceSession:
    """A request to compare the face on an identity document with one in a selfie video."""

    user_id: str
    session_id: str


class Decision(StrEnum):
    """What the distance between the two faces says."""

    MATCH = "match"
    NO_MATCH = "no_match"
    REVIEW = "review"
    """Too close to the threshold: a human decides."""
    NO_FACE = "no_face"
    """No face in the picture, or in no frame of the video. Trying again would find none either."""


@dataclass(frozen=True, slots=True)
class FaceResult:
    """The outcome of a comparison.

    `similarity` is 0..1, higher is more alike; `distance` is the model's own measure, lower is
    more alike; `frame` is the number of the video frame that it was measured on, from 0 in the
    order of display. Without a face there is neither distance nor frame.
    """

    match: bool
    similarity: float
    distance: float | None
    threshold: float
    decision: Decision
    frame: int | None
    model: str
