"""What became of a job is asked so that one which ends meanwhile is not taken for lost."""

import asyncio
import hashlib
from typing import Any

import httpx

from bench.load.finals import _final_state

_PICTURE = b"picture"


def _asked(views: list[str], *, held: bool = False) -> Any:
    """Ask a facade that answers with these statuses, one after the other; then with 404."""
    waiting = list(views)

    def answer(request: httpx.Request) -> httpx.Response:
        if not waiting and request.url.path == "/v1/jobs/job":
            return httpx.Response(404)
        if request.url.path.endswith("/trace"):
            return httpx.Response(200, json={"held": held, "where": "queue", "due_in_s": 3.0})
        if request.url.path == "/picture":
            return httpx.Response(200, content=_PICTURE)
        sha256 = hashlib.sha256(_PICTURE).hexdigest()
        view = {
            "status": waiting.pop(0),
            "workload": "image-generation",
            "error": None,
            "artifacts": [{"url": "/picture", "sha256": sha256}],
        }
        return httpx.Response(200, json=view)

    async def ask() -> Any:
        transport = httpx.MockTransport(answer)
        async with httpx.AsyncClient(base_url="http://facade", transport=transport) as client:
            return await _final_state(client, "cell", "job")

    return asyncio.run(ask())


def test_a_job_that_the_engine_holds_is_late_and_says_where() -> None:
    state = _asked(["running"], held=True)
    assert (state.status, state.held, state.where, state.due_in_s) == (
        "running",
        True,
        "queue",
        3.0,
    )


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


def test_a_job_that_is_open_and_that_the_engine_does_not_hold_is_lost() -> None:
    state = _asked(["running", "running"], held=False)
    assert (state.status, state.held) == ("running", False)
