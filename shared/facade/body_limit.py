"""The limit on the size of every body but an uploaded file's, which has a limit of its own."""

import re

from fastapi import Request
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.facade.problems import problem

MAX_BODY_BYTES = 64 * 1024

_FILES = re.compile(r"/v1/jobs/[^/]+/files/[^/]+")
_TOO_LARGE = f"a body may have {MAX_BODY_BYTES} bytes"


class BodyLimit:
    """Answers 413 by what `Content-Length` says and, where it is missing, by what arrives."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or _FILES.fullmatch(scope["path"]):
            await self._app(scope, receive, send)
            return
        request = Request(scope)
        length = request.headers.get("content-length", "0")
        if length.isdigit() and int(length) > MAX_BODY_BYTES:
            await problem(request, 413, _TOO_LARGE)(scope, receive, send)
            return
        received = 0

        async def counted() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > MAX_BODY_BYTES:
                # Raised where the body is read, inside the app, which knows how to answer it.
                raise HTTPException(413, _TOO_LARGE)
            return message

        await self._app(scope, counted, send)
