"""Errors as RFC 9457 problem details."""

import http

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from shared.adapters.sql import DatabaseError
from shared.domain.errors import (
    BadRequest,
    ChangeoverError,
    Conflict,
    EngineUnavailable,
    UnknownJob,
)

RETRY_AFTER_S = 2

_STATUS: dict[type[ChangeoverError], int] = {
    BadRequest: 422,
    UnknownJob: 404,
    Conflict: 409,
    EngineUnavailable: 503,
}


def problem(request: Request, status: int, detail: str, **extra: object) -> JSONResponse:
    """Return a problem document; 503 carries `Retry-After` in seconds."""
    headers = {"Retry-After": str(RETRY_AFTER_S)} if status == 503 else {}
    return JSONResponse(
        {
            "type": "about:blank",
            "title": http.HTTPStatus(status).phrase,
            "status": status,
            "detail": detail,
            "instance": request.url.path,
            **extra,
        },
        status_code=status,
        headers=headers,
        media_type="application/problem+json",
    )


def install(app: FastAPI) -> None:
    """Answer every error of `app` with a problem document."""

    async def domain(request: Request, error: Exception) -> JSONResponse:
        return problem(request, _STATUS.get(type(error), 500), str(error))  # type: ignore[arg-type]

    async def validation(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, RequestValidationError)
        errors = [
            {"field": ".".join(str(part) for part in item["loc"][1:]), "message": item["msg"]}
            for item in error.errors()
        ]
        detail = "; ".join(f"{item['field'] or 'body'}: {item['message']}" for item in errors)
        return problem(request, 422, detail, errors=errors)

    async def http_error(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, HTTPException)
        return problem(request, error.status_code, str(error.detail))

    async def database(request: Request, _error: Exception) -> JSONResponse:
        return problem(request, 503, "the database cannot be reached; try again later")

    app.add_exception_handler(ChangeoverError, domain)
    app.add_exception_handler(RequestValidationError, validation)
    app.add_exception_handler(HTTPException, http_error)
    for kind in DatabaseError:
        app.add_exception_handler(kind, database)
