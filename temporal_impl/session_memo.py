"""The memo of a session's workflow: what `describe` shows of it while every worker is down."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self

from shared.codec import from_dict
from shared.domain.faces import SLOTS, FaceResult
from shared.domain.status import JobStatus
from temporal_impl.messages import Verdict


@dataclass(frozen=True, slots=True)
class SessionMemo:
    """The entries of the memo, by name. The first is written at the start, so that it is there
    before any worker is; the others by the workflow, as they come to be. Times in Unix seconds.
    """

    input_deadline_s: float
    """How long the session takes files, in seconds from its start."""
    phase: JobStatus | None = None
    """`waiting`, `running` or `review`; None until the session is open."""
    inputs: dict[str, str] = field(default_factory=dict)
    """The SHA-256 of the files that have arrived, by slot."""
    compared: FaceResult | None = None
    """The borderline comparison that a person is asked about."""
    review_until_s: float | None = None
    verdict: Verdict | None = None
    """The verdict that stands."""
    changed_at_s: float | None = None

    @classmethod
    def of(cls, memo: Mapping[str, object]) -> Self:
        """Read one from what the server describes."""
        return from_dict(cls, memo)

    @property
    def missing(self) -> list[str]:
        """The slots that no file fills yet."""
        return sorted(SLOTS - self.inputs.keys())

    @property
    def waits_for(self) -> str | None:
        """What the session waits for from outside, for a person to read; None if for nothing."""
        match self.phase:
            case JobStatus.WAITING:
                return f"files: {', '.join(self.missing)}"
            case JobStatus.REVIEW:
                return "a review"
            case _:
                return None
