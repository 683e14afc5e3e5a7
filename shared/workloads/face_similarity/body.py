"""What a client submits for a face session."""

from pydantic import ConfigDict

from shared.domain.faces import FaceSession
from shared.workloads.fields import Name
from shared.workloads.workload import Body


class FaceSimilarityBody(Body[FaceSession]):
    """A request to compare the face on an ID with the one in a selfie video, which come later."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"example": {"user_id": "ada", "session_id": "kyc-2041"}},
    )

    user_id: Name
    session_id: Name

    def request(self, idempotency_key: str | None) -> FaceSession:  # noqa: ARG002
        """Return the session."""
        return FaceSession(user_id=self.user_id, session_id=self.session_id)
