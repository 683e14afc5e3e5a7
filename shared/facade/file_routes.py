"""`/v1/jobs/{job_id}/files/{slot}`: brings the files that a face session waits for."""

from enum import StrEnum
from typing import Annotated

from fastapi import APIRouter, Header, Path, Request, Response
from starlette.exceptions import HTTPException

from shared.domain.faces import IMAGE, VIDEO
from shared.facade.dependencies import IntakeDep, JobIdDep
from shared.facade.models import FileView
from shared.facade.problems import documented
from shared.facade.views import file_view

router = APIRouter(prefix="/v1/jobs", tags=["face sessions"])


class SlotName(StrEnum):
    """What a face session waits for."""

    image = IMAGE
    video = VIDEO


_RESPONSES = documented(
    {
        404: "No job has this id.",
        408: "The file arrived too slowly, or nothing of it for a while.",
        409: "The job is no face session or is over, or another file fills the slot.",
        413: "The file is over the slot's limit, by `Content-Length` or by what arrived.",
        415: "The body is a form; send the file itself.",
        422: "The file is empty, cut off, damaged, too large when decoded, or of a wrong type,"
        " whatever its name and `Content-Type` say; or the job id is malformed.",
        503: "The job's engine is down; send the same file again.",
    }
)
_BINARY = {"schema": {"type": "string", "format": "binary"}}
_MEDIA_TYPES = ("image/jpeg", "image/png", "image/webp", "video/mp4", "video/quicktime")
_BODY = {
    "requestBody": {
        "required": True,
        "description": "The file itself, as `curl -T FILE` sends it; no form, no multipart.",
        "content": dict.fromkeys((*_MEDIA_TYPES, "video/webm", "video/x-matroska"), _BINARY),
    }
}


@router.put(
    "/{job_id}/files/{slot}",
    responses={
        200: {"description": "The file fills the slot already."},
        201: {"description": "The file fills the slot.", "model": FileView},
        **_RESPONSES,
    },
    openapi_extra=_BODY,
)
async def put_file(
    job_id: JobIdDep,
    slot: Annotated[SlotName, Path()],
    request: Request,
    response: Response,
    intake: IntakeDep,
    content_length: Annotated[int | None, Header(ge=0, include_in_schema=False)] = None,
) -> FileView:
    """Bring the ID picture (`image`) or the selfie (`video`) of a face session.

    The body is the file itself, not a form. It is streamed to disk, checked by decoding it, and
    only then counts; the first good file fills its slot for good, and sending it again changes
    nothing. Whatever goes wrong leaves the session waiting, and a good file works afterwards.
    """
    if request.headers.get("content-type", "").startswith("multipart/"):
        raise HTTPException(415, "send the file itself as the body (curl -T FILE), not a form")
    upload, new = await intake.take(job_id, slot, content_length, request.stream())
    response.status_code = 201 if new else 200
    return file_view(upload)
