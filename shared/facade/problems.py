"""Errors as RFC 9457 problem details."""

import http
from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from shared.adapters.sql import DatabaseError
from shared.domain.errors import (
    BadRequest,
    ChangeoverError,
    Conflict,
    EngineUnavailable,
    JobOver,
    UnknownJob,
)
from shared.facade.intake import IntakeUnavailable
from shared.facade.models import Problem
from shared.facade.receiving import TooLarge, TooSlow

RETRY_AFTER_S = 2

_STATUS: dict[type, int] = {
    BadRequest: 422,
    UnknownJob: 404,
    Conflict: 409,
    JobOver: 409,
    TooLarge: 413,
    TooSlow: 408,
    EngineUnavailable: 503,
    IntakeUnavailable: 503,
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


def documented(when: Mapping[int, str]) -> dict[int | str, dict[str, Any]]:
    """Return the `responses` of a route, which say when it answers with which problem."""
    content = {"application/problem+json": {"schema": Problem.model_json_schema()}}
    return {status: {"description": text, "content": content} for status, text in when.items()}


SUBMISSION = documented(
    {
        409: "The `Idempotency-Key` came with another body before.",
        413: "The body is far larger than any valid one.",
        503: "The engine is down and nothing was accepted; send the same request again.",
    }
)
"""When a submission is refused, whatever the workload."""


def _status_of(error: Exception) -> int:
    return next((_STATUS[kind] for kind in type(error).__mro__ if kind in _STATUS), 500)


def install(app: FastAPI) -> None:
    """Answer every error of `app` with a problem document."""

    async def domain(request: Request, error: Exception) -> JSONResponse:
        return problem(request, _status_of(error), str(error))

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

    async def gone(request: Request, _error: Exception) -> JSONResponse:
        # For the log and the metrics; nobody reads it.
        return problem(request, 400, "the connection ended before the body did; send it again")

    app.add_exception_handler(ChangeoverError, domain)
    app.add_exception_handler(ClientDisconnect, gone)
    app.add_exception_handler(RequestValidationError, validation)
    app.add_exception_handler(HTTPException, http_error)
    for kind in DatabaseError:
        app.add_exception_handler(kind, database)
