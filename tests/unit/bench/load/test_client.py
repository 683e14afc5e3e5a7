"""What a client of the bench writes down, and how long it tries."""

from collections.abc import Callable

import httpx
import pytest

from bench.load.client import Client
from bench.record.history import ClientOp, OpPhase

JOB = "00000000-0000-0000-0000-000000000001"
BODY = {"prompt": "a red circle"}
ACCEPTED = httpx.Response(202, json={"job_id": JOB})
CUT_OFF = httpx.ReadError("cut off")


class Facade:
    """Answers with what is given, one after the other, the last for ever."""

    def __init__(self, *answers: httpx.Response | httpx.HTTPError) -> None:
        self.answers = list(answers)
        self.requests: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, httpx.HTTPError):
            raise answer
        return answer


def client_of(facade: Callable[[httpx.Request], httpx.Response]) -> tuple[Client, list[ClientOp]]:
    ops: list[ClientOp] = []
    http = httpx.AsyncClient(base_url="http://facade", transport=httpx.MockTransport(facade))
    return Client(http, "cell", ops), ops


async def test_a_submit_that_got_no_answer_is_tried_again_as_the_same_operation() -> None:
    facade = Facade(CUT_OFF, ACCEPTED)
    client, ops = client_of(facade)
    assert (await client.submit_until_answered(BODY, "k", 30)).job_id == JOB
    assert [op.phase for op in ops] == [
        *(OpPhase.INVOKE, OpPhase.INFO),
        *(OpPhase.INVOKE, OpPhase.OK),
    ]
    assert len({op.op_id for op in ops}) == 1
    assert {request.headers["idempotency-key"] for request in facade.requests} == {"k"}
    assert {op.key for op in ops} == {"k"}


async def test_a_503_was_refused_for_certain_and_the_next_try_is_another_operation() -> None:
    client, ops = client_of(Facade(httpx.Response(503), ACCEPTED))
    await client.submit_until_answered(BODY, "k", 30)
    assert [op.phase for op in ops if op.phase is not OpPhase.INVOKE] == [OpPhase.FAIL, OpPhase.OK]
    assert len({op.op_id for op in ops}) == 2


async def test_a_refusal_for_good_is_not_tried_again() -> None:
    facade = Facade(httpx.Response(413, text="too long"))
    client, ops = client_of(facade)
    answer = await client.submit_until_answered(BODY, "k", 30)
    assert (answer.status, answer.job_id, len(facade.requests)) == (413, None, 1)
    assert (ops[-1].phase, ops[-1].detail) == (OpPhase.FAIL, "too long")


async def test_without_any_answer_the_tries_end() -> None:
    client, ops = client_of(Facade(CUT_OFF))
    assert (await client.submit_until_answered(BODY, "k", 0)).status is None
    assert ops[-1].phase is OpPhase.INFO


async def test_a_body_is_padded_to_a_length_and_recorded_without_the_padding() -> None:
    facade = Facade(ACCEPTED)
    client, ops = client_of(facade)
    await client.submit(BODY, "k", padded_to_bytes=5_000)
    assert len(facade.requests[0].content) == 5_000
    assert len(ops[0].detail) < 100


async def test_a_long_body_is_recorded_in_short() -> None:
    client, ops = client_of(Facade(httpx.Response(413)))
    await client.submit({"prompt": "x" * 100_000}, "k")
    assert len(ops[0].detail) < 3_000


@pytest.mark.parametrize(
    ("answer", "phase"),
    [
        (httpx.Response(202, json={"job_id": JOB}), OpPhase.OK),
        (httpx.Response(404, json={}), OpPhase.FAIL),
        (httpx.Response(503, json={}), OpPhase.INFO),
        (CUT_OFF, OpPhase.INFO),
    ],
)
async def test_a_cancel_is_recorded_with_what_came_of_it(
    answer: httpx.Response | httpx.HTTPError, phase: OpPhase
) -> None:
    client, ops = client_of(Facade(answer))
    await client.cancel(JOB)
    assert [(op.op, op.phase) for op in ops] == [("cancel", OpPhase.INVOKE), ("cancel", phase)]
    assert {op.job_id for op in ops} == {JOB}


async def test_a_file_is_brought_again_while_the_facade_cannot_take_it() -> None:
    facade = Facade(httpx.Response(503), httpx.Response(201, json={}))
    client, _ = client_of(facade)
    assert (await client.put(JOB, "image", b"x", limit_s=30)).status == 201
    assert len(facade.requests) == 2


async def test_jobs_are_followed_until_all_are_over_and_each_change_is_recorded_once() -> None:
    views = [httpx.Response(200, json={"status": s}) for s in ("running", "running", "succeeded")]
    client, ops = client_of(Facade(*views))
    assert await client.until_over([JOB], 30)
    assert [op.status for op in ops] == ["running", "succeeded"]


async def test_a_job_that_does_not_end_is_given_up() -> None:
    client, _ = client_of(Facade(httpx.Response(200, json={"status": "running"})))
    assert not await client.until_over([JOB], 0)
