"""The end of a soak: every job is asked about, and no picture is fetched twice."""

import hashlib
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest

from bench.arms.topology import Stack
from bench.load import soak_finals as finals
from bench.load.soak_finals import soak_finals
from bench.record.history import ClientOp, OpPhase

CELL, PICTURE = "soak/celery/hardened", b"png"


class FakeFacade:
    """Answers as a facade with these jobs would; `asked` are the paths."""

    def __init__(self, **statuses: str) -> None:
        self.statuses = statuses
        self.asked: list[str] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path
        self.asked.append(path)
        if path.endswith(".png"):
            return httpx.Response(200, content=PICTURE)
        if path.endswith("/trace"):
            trace = {"held": False, "where": "nowhere", "due_in_s": None, "closed": False}
            return httpx.Response(200, json=trace)
        if path == "/v1/jobs":
            return httpx.Response(
                200, json={"jobs": [self._view(job) for job in self.statuses], "next": None}
            )
        return httpx.Response(200, json=self._view(path.rpartition("/")[2]))

    def _view(self, job_id: str) -> dict[str, Any]:
        sha256 = hashlib.sha256(PICTURE).hexdigest()
        url = f"/v1/jobs/{job_id}/artifacts/image-0.png"
        artifacts = [{"name": "image-0.png", "sha256": sha256, "url": url}]
        return {
            "job_id": job_id,
            "workload": "image-generation",
            "status": self.statuses[job_id],
            "error": None,
            "artifacts": artifacts if self.statuses[job_id] == "succeeded" else [],
        }


@pytest.fixture
def ask(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Asks a fake facade what became of the jobs of these operations."""

    async def asked(facade: FakeFacade, ops: list[ClientOp]) -> dict[str, tuple[Any, Any]]:
        real, transport = httpx.AsyncClient, httpx.MockTransport(facade)
        client = SimpleNamespace(AsyncClient=lambda **kw: real(transport=transport, **kw))
        names = vars(httpx) | vars(client)
        monkeypatch.setattr(finals, "httpx", SimpleNamespace(**names))
        monkeypatch.setattr("bench.load.finals.httpx", SimpleNamespace(**names))
        place: Any = None
        stack = Stack(place, "http://facade", "", Path(), place)
        found = await soak_finals(stack, CELL, ops)
        assert len({state.job_id for state in found}) == len(found)
        return {state.job_id: (state.status, state.readable) for state in found}

    return asked


def op(what: str, phase: OpPhase, op_id: str, job: str | None = None, detail: str = "") -> ClientOp:
    return ClientOp(CELL, what, phase, op_id, 0.0, 0.0, job_id=job, detail=detail)


def submitted(job: str) -> list[ClientOp]:
    return [op("submit", OpPhase.INVOKE, job), op("submit", OpPhase.OK, job, job)]


def fetched(job: str) -> ClientOp:
    return op("fetch", OpPhase.OK, f"{job}-fetch", job, "image-0.png")


async def test_what_the_client_has_fetched_is_not_fetched_again(ask: Any) -> None:
    facade = FakeFacade(a="succeeded", b="succeeded")
    found = await ask(facade, [*submitted("a"), fetched("a"), *submitted("b")])
    assert found == {"a": ("succeeded", True), "b": ("succeeded", True)}
    assert [path for path in facade.asked if path.endswith(".png")] == [
        "/v1/jobs/b/artifacts/image-0.png"
    ]


async def test_a_job_that_is_not_over_is_traced(ask: Any) -> None:
    facade = FakeFacade(a="running")
    assert await ask(facade, submitted("a")) == {"a": ("running", None)}
    assert "/v1/operator/jobs/a/trace" in facade.asked


async def test_a_job_whose_client_got_no_answer_is_found_in_the_list(ask: Any) -> None:
    facade = FakeFacade(a="succeeded", stray="running")
    gave_up = [op("submit", OpPhase.INVOKE, "x"), op("submit", OpPhase.INFO, "x")]
    found = await ask(facade, [*submitted("a"), fetched("a"), *gave_up])
    assert found["stray"] == ("running", None)


async def test_without_an_unanswered_submit_the_list_is_not_read(ask: Any) -> None:
    facade = FakeFacade(a="succeeded", other="running")
    assert set(await ask(facade, [*submitted("a"), fetched("a")])) == {"a"}
    assert "/v1/jobs" not in facade.asked
