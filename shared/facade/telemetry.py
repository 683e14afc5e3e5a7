"""Prometheus metrics of the facade, and the limit on a request's size."""

import time
from collections.abc import Awaitable, Callable

from fastapi import Request, Response
from prometheus_client import CollectorRegistry, Counter, Histogram

from shared.facade.problems import problem

REGISTRY = CollectorRegistry()
_REQUESTS = Counter(
    "changeover_requests", "Requests by route and status.", ["route", "status"], registry=REGISTRY
)
_SECONDS = Histogram(
    "changeover_request_seconds", "Time to answer a request.", ["route"], registry=REGISTRY
)
_MAX_BODY_BYTES = 64 * 1024


async def observe(
    request: Request, call_next: Callable[[Request], Awaitable[Response]]
) -> Response:
    """Count and time a request; refuse a body that no valid request needs."""
    began = time.monotonic()
    length = request.headers.get("content-length", "0")
    if length.isdigit() and int(length) > _MAX_BODY_BYTES:
        response: Response = problem(request, 413, f"a body may have {_MAX_BODY_BYTES} bytes")
    else:
        response = await call_next(request)
    route = getattr(request.scope.get("route"), "path", "unknown")
    _REQUESTS.labels(route, response.status_code).inc()
    _SECONDS.labels(route).observe(time.monotonic() - began)
    return response
