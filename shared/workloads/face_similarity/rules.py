"""What a distance between two faces means."""

from dataclasses import dataclass, replace

from shared.domain.faces import Decision, FaceResult

_EVEN_DISTANCE = 0.6


@dataclass(frozen=True, slots=True)
class FaceRules:
    """Up to `threshold` two faces are one person's; within `review_margin` of it a human decides.

    The defaults are for dlib's ResNet: 0.6 is the threshold of its authors' 99.38 % on Labeled
    Faces in the Wild. `frames_per_video` is how many frames are looked at: more find a better
    view of the same person, and give another person more chances.
    """

    threshold: float = 0.6
    review_margin: float = 0.05
    frames_per_video: int = 16

    def decide(self, distance: float | None) -> Decision:
        """Decide on a distance, None for no face. Both edges of the margin go to review."""
        if distance is None:
            return Decision.NO_FACE
        if distance < self.threshold - self.review_margin:
            return Decision.MATCH
        if distance > self.threshold + self.review_margin:
            return Decision.NO_MATCH
        return Decision.REVIEW

    def result(self, distance: float | None, frame: int | None, model: str) -> FaceResult:
        """Return the outcome for the smallest distance and the frame that had it."""
        decision = self.decide(distance)
        return FaceResult(
            match=decision is Decision.MATCH,
            similarity=similarity(distance),
            distance=distance,
            threshold=self.threshold,
            decision=decision,
            frame=frame,
            model=model,
        )


def reviewed(result: FaceResult, *, approved: bool) -> FaceResult:
    """Return what a person made of a borderline comparison."""
    decision = Decision.MATCH if approved else Decision.NO_MATCH
    return replace(result, match=approved, decision=decision)


def similarity(distance: float | None) -> float:
    """Return 1 for the same picture, 0.5 at distance 0.6, 0 from 1.2 on or without a face.

    Linear between, so it says no more than the distance does; it is not a probability. It does
    not move with the threshold that an operator sets.
    """
    return 0.0 if distance is None else max(0.0, 1 - distance / (2 * _EVEN_DISTANCE))
