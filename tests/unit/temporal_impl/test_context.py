"""The step host in the SDK's own activity environment, without a server."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any, TypeVar

import pytest
from temporalio.activity import ActivityCancellationDetails
from temporalio.testing import ActivityEnvironment

from shared.policy import RELEASE_CREDITS
from shared.ports.step_host import StopReason
from temporal_impl.context import ActivityHost

R = TypeVar("R")
_STEP = "generate_image/1"
_LEFT = {"step": _STEP, "done": 10, "total": 20, "checkpoint": "10:abc", "checkpoint_of": _STEP}


def _run(
    work: Callable[[], R],
    *,
    left: list[dict[str, Any]] | None = None,
    heartbeats: bool = True,
    cancellation: ActivityCancellationDetails | None = None,
) -> tuple[R, list[dict[str, Any]]]:
    environment = ActivityEnvironment()
    environment.info = replace(
        environment.info,
        heartbeat_details=left or [],
        heartbeat_timeout=timedelta(seconds=5) if heartbeats else None,
    )
    sent: list[dict[str, Any]] = []
    environment.on_heartbeat = sent.append
    if cancellation is not None:
        environment.cancel(cancellation)
    return environment.run(work), sent


def test_a_checkpoint_comes_back_to_its_own_step_only() -> None:
    assert _run(lambda: ActivityHost(_STEP).resume_ref(), left=[_LEFT])[0] == "10:abc"
    assert _run(lambda: ActivityHost("generate_image/0").resume_ref(), left=[_LEFT])[0] is None
    assert _run(lambda: ActivityHost(_STEP).resume_ref())[0] is None


def test_another_steps_start_does_not_lose_the_checkpoint() -> None:
    _, sent = _run(lambda: ActivityHost("reserve_credits"), left=[_LEFT])
    [details] = sent
    assert details["step"] == "reserve_credits"
    assert _run(lambda: ActivityHost(_STEP).resume_ref(), left=sent)[0] == "10:abc"


def test_a_step_that_does_not_resume_sends_bare_heartbeats_and_starts_from_nothing() -> None:
    def work() -> str | None:
        host = ActivityHost(_STEP, resumes=False)
        host.heartbeat(1, 2, "1:abc")
        return host.resume_ref()

    environment = ActivityEnvironment()
    environment.info = replace(
        environment.info, heartbeat_details=[_LEFT], heartbeat_timeout=timedelta(seconds=5)
    )
    sent: list[tuple[Any, ...]] = []
    environment.on_heartbeat = lambda *details: sent.append(details)
    assert environment.run(work) is None
    assert sent == [()]


def test_without_a_heartbeat_timeout_nothing_is_sent() -> None:
    _, sent = _run(lambda: ActivityHost(_STEP).heartbeat(1, 2, None), heartbeats=False)
    assert sent == []


@pytest.mark.parametrize(
    ("cancellation", "reason"),
    [
        (ActivityCancellationDetails(cancel_requested=True), StopReason.CANCELLED),
        (ActivityCancellationDetails(not_found=True), StopReason.SUPERSEDED),
        (ActivityCancellationDetails(timed_out=True), StopReason.SUPERSEDED),
        (ActivityCancellationDetails(worker_shutdown=True), StopReason.WORKER_STOPPING),
        (ActivityCancellationDetails(paused=True), StopReason.WORKER_STOPPING),
        (None, None),
    ],
)
def test_the_stop_reason_is_the_servers(
    cancellation: ActivityCancellationDetails | None, reason: StopReason | None
) -> None:
    found, _ = _run(lambda: ActivityHost(_STEP).stop_reason(), cancellation=cancellation)
    assert found is reason


def test_a_release_is_not_stopped_by_the_cancel_that_led_to_it() -> None:
    cancel = ActivityCancellationDetails(cancel_requested=True)
    found, _ = _run(lambda: ActivityHost(RELEASE_CREDITS).stop_reason(), cancellation=cancel)
    assert found is None
