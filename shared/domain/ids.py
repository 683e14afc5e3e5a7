"""Job ids: opaque, URL-safe, stable from accept to the end of the archive."""

import re
import uuid
from typing import NewType

from shared.domain.errors import BadRequest

JobId = NewType("JobId", str)

_PATTERN = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


def new_job_id() -> JobId:
    """Return a fresh random job id (UUID 4)."""
    return JobId(str(uuid.uuid4()))


def parse_job_id(text: str) -> JobId:
    """Return `text` as a job id; `BadRequest` if it is not one."""
    if not _PATTERN.fullmatch(text):
        raise BadRequest(f"{text[:60]!r} is not a job id; a job id looks like {uuid.UUID(int=0)}")
    return JobId(text)
