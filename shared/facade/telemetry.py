"""Prometheus metrics of the facade."""

import time
from collections.abc import Mapping

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from starlette.types import ASGIApp, Message, Receive, Scope, Send

REGISTRY = CollectorRegistry()
_REQUESTS = Counter(
    "changeover_requests", "Requests by route and status.", ["route", "status"], registry=REGISTRY
)
_SECONDS = Histogram(
    "changeover_request_seconds", "Time to answer a request.", ["route"], registry=REGISTRY
)
_STUCK = Gauge(
    "changeover_stuck_jobs",
    "Open jobs that cannot go on by themselves, as the engine's server reports them.",
    ["engine"],
    registry=REGISTRY,
)


def report_stuck(jobs: Mapping[str, int | None]) -> None:
    """Set the gauge by engine; an engine that does not say has none, rather than an old one."""
    _STUCK.clear()
    for engine, count in jobs.items():
        if count is not None:
            _STUCK.labels(engine).set(count)


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
