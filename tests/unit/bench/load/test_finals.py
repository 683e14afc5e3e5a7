"""What became of a job is asked so that one which ends meanwhile is not taken for lost."""

import asyncio
import hashlib
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from bench.load.finals import _final_state
from bench.record.history import FinalState

_PICTURE = b"picture"


def _view(status: str) -> httpx.Response:
    """A job with one picture, as the facade shows it."""
    view = {
        "status": status,
        "workload": "image-generation",
        "error": None,
        "artifacts": [{"url": "/picture", "sha256": hashlib.sha256(_PICTURE).hexdigest()}],
    }
    return httpx.Response(200, json=view)


def _state_by(answer: Callable[[httpx.Request], httpx.Response]) -> FinalState:
    """What becomes of a job whose facade answers so."""

    async def ask() -> FinalState:
        transport = httpx.MockTransport(answer)
        async with httpx.AsyncClient(base_url="http://facade", transport=transport) as client:
            return await _final_state(client, "cell", "job")

    return asyncio.run(ask())


def _asked(views: list[str], *, held: bool = False) -> FinalState:
    """Ask a facade that answers with these statuses, one after the other; then with 404."""
    waiting = list(views)

    def answer(request: httpx.Request) -> httpx.Response:
        if not waiting and request.url.path == "/v1/jobs/job":
            return httpx.Response(404)
        if request.url.path.endswith("/trace"):
            trace = {"held": held, "where": "queue", "due_in_s": 3.0, "closed": not held}
            return httpx.Response(200, json=trace)
        if request.url.path == "/picture":
            return httpx.Response(200, content=_PICTURE)
        return _view(waiting.pop(0))

    return _state_by(answer)


def test_a_job_that_the_engine_holds_is_late_and_says_where() -> None:
    state = _asked(["running"], held=True)
    assert (state.status, state.held, state.where, state.due_in_s) == (
        "running",
        True,
        "queue",
        3.0,
    )


def test_a_job_that_its_engine_calls_stuck_is_recorded_as_such() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/trace"):
            trace = {"held": True, "where": "its code fails", "due_in_s": None, "closed": False}
            return httpx.Response(200, json={**trace, "stuck": True})
        return _view("running")

    assert (_state_by(answer).held, _state_by(answer).stuck) == (True, True)


def test_a_job_that_ends_between_the_two_looks_is_not_lost() -> None:
    state = _asked(["running", "succeeded"], held=False)
    assert (state.status, state.held, state.readable) == ("succeeded", None, True)


def test_a_job_that_was_accepted_and_that_the_facade_does_not_know_is_lost() -> None:
    state = _asked([])
    assert (state.status, state.held, state.where) == (
        None,
        False,
        "the facade knows no such job",
    )


HALF = b'{"status": "succ'
SILENT = httpx.ConnectTimeout("late")


@pytest.mark.parametrize("missing", [503, HALF, {}, SILENT, 500])
@pytest.mark.parametrize(
    ("part", "status", "expected"),
    [
        ("view", "succeeded", (None, None, None)),
        ("trace", "running", ("running", None, None)),
        ("second view", "running", ("running", None, None)),
        ("artifact", "succeeded", ("succeeded", None, None)),
    ],
)
def test_an_answer_that_does_not_come_is_no_evidence(
    monkeypatch: pytest.MonkeyPatch, missing: Any, part: str, status: str, expected: object
) -> None:
    """Status, held and readable are what was answered, and nothing else."""
    monkeypatch.setattr("bench.load.finals._PAUSE_S", 0.0)
    if part == "artifact" and missing in (HALF, {}):
        # A file has no form of its own: what differs from its checksum is not whole.
        expected = ("succeeded", None, False)
    seen = 0

    def answer(request: httpx.Request) -> httpx.Response:
        nonlocal seen
        path = request.url.path
        asked = "trace" if path.endswith("/trace") else "view"
        if path == "/picture":
            asked = "artifact"
        elif asked == "view":
            seen += 1
            asked = "second view" if seen > 1 and part == "second view" else asked
        if asked == part:
            if isinstance(missing, Exception):
                raise missing
            if isinstance(missing, int):
                return httpx.Response(missing)
            return httpx.Response(200, content=missing or b"{}")
        if asked == "trace":
            trace = {"held": False, "where": "", "due_in_s": None, "closed": False}
            return httpx.Response(200, json=trace)
        return _view(status)

    state = _state_by(answer)
    assert (state.status, state.held, state.readable) == expected
    assert part == "artifact" or state.where == "the facade did not answer"


def test_a_file_that_is_gone_is_evidence() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/picture":
            return httpx.Response(404)
        return _view("succeeded")

    assert _state_by(answer).readable is False


def test_a_job_that_is_open_and_that_the_engine_does_not_hold_is_lost() -> None:
    state = _asked(["running", "running"], held=False)
    assert (state.status, state.held, state.closed) == ("running", False, True)
