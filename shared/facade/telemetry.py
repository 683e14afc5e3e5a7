"""Prometheus metrics of the facade."""

import time

from prometheus_client import CollectorRegistry, Counter, Histogram
from starlette.types import ASGIApp, Message, Receive, Scope, Send

REGISTRY = CollectorRegistry()
_REQUESTS = Counter(
    "changeover_requests", "Requests by route and status.", ["route", "status"], registry=REGISTRY
)
_SECONDS = Histogram(
    "changeover_request_seconds", "Time to answer a request.", ["route"], registry=REGISTRY
)


class Telemetry:
    """Counts requests, and times each up to the first byte of its answer."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = time.monotonic()

        async def observed(message: Message) -> None:
            if message["type"] == "http.response.start":
                route = getattr(scope.get("route"), "path", "unknown")
                _REQUESTS.labels(route, message["status"]).inc()
                _SECONDS.labels(route).observe(time.monotonic() - began)
            await send(message)

        await self._app(scope, receive, observed)
