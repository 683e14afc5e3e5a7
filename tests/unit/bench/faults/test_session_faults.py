"""What faults bring to face sessions, and which answers show that they struck."""

import random
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from types import SimpleNamespace
from typing import Any

import httpx
import pytest

from bench.faults.fault import NOBODY, FaultContext
from bench.faults.kinds.sessions import InputDuplicate, InputEarly, SessionFault
from bench.load.client import Client
from bench.load.faces import other_image, session_files
from shared.domain.faces import IMAGE, VIDEO

JOB = "00000000-0000-0000-0000-000000000001"


class Facade:
    """Accepts a session, and answers each file with what is given, in turn."""

    def __init__(self, *answers: int) -> None:
        self.answers = list(answers)
        self.brought: list[tuple[str, str, bytes]] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if request.method == "POST":
            return httpx.Response(202, json={"job_id": JOB})
        *_, job_id, _, slot = request.url.path.split("/")
        self.brought.append((job_id, slot, request.content))
        return httpx.Response(self.answers.pop(0), json={})


def fault_of(kind: type[SessionFault], facade: Facade) -> SessionFault:
    """A fault whose client speaks to this facade."""

    class Wired(kind):  # type: ignore[misc,valid-type]
        def client(self) -> AbstractAsyncContextManager[Client]:
            @asynccontextmanager
            async def connect() -> AsyncIterator[Client]:
                transport = httpx.MockTransport(facade)
                async with httpx.AsyncClient(base_url="http://f", transport=transport) as http:
                    yield Client(http, "cell", self.context.ops, self.facts.workload)

            return connect()

    nothing: Any = SimpleNamespace()
    wired: SessionFault = Wired(
        FaultContext("cell", nothing, nothing, 5.0, rng=random.Random(1)), NOBODY
    )
    return wired


async def test_the_same_file_twice_is_no_news_and_another_is_a_conflict() -> None:
    facade = Facade(201, 200, 409, 201)
    fault = fault_of(InputDuplicate, facade)
    await fault.strike()
    assert fault.observed().struck
    assert fault.target.job_id == JOB
    files = session_files()
    assert [content for _, _, content in facade.brought] == [
        *(files[IMAGE], files[IMAGE]),
        *(other_image(), files[VIDEO]),
    ]


@pytest.mark.parametrize("answers", [(201, 201, 409, 201), (201, 200, 200, 201)])
async def test_an_answer_that_was_not_promised_is_named(answers: tuple[int, ...]) -> None:
    fault = fault_of(InputDuplicate, Facade(*answers))
    await fault.strike()
    seen = fault.observed()
    assert not seen.struck
    assert "image was answered" in seen.detail


async def test_an_early_file_is_brought_to_a_job_that_is_not_there() -> None:
    facade = Facade(404, 201, 201)
    fault = fault_of(InputEarly, facade)
    await fault.strike()
    assert (fault.observed().struck, fault.observed().detail) == (
        True,
        "image 404, image 201, video 201",
    )
    assert facade.brought[0][0] != JOB
    assert [job_id for job_id, _, _ in facade.brought[1:]] == [JOB, JOB]


async def test_a_file_that_was_there_after_a_try_without_answer_is_as_good() -> None:
    fault = fault_of(InputEarly, Facade(404, 200, 201))
    await fault.strike()
    assert fault.observed().struck
