"""The outside world, polite and not."""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx
import pytest

from bench.arms.ports import free_port

LIMIT_S = 30.0
EFFECT = "capture_credits"


@contextmanager
def _sink(folder: Path, *options: str) -> Iterator[httpx.Client]:
    port = free_port()
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "bench.arms.effect_sink"),
            *("--port", str(port), "--database", str(folder / "effects.db"), *options),
        ]
    )
    give_up_at = time.monotonic() + LIMIT_S
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=10) as client:
            while True:
                try:
                    client.get("/calls").raise_for_status()
                    break
                except httpx.HTTPError:
                    assert time.monotonic() < give_up_at
                    time.sleep(0.05)
            yield client
    finally:
        process.terminate()
        process.wait(timeout=LIMIT_S)


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., httpx.Client]]:
    with ExitStack() as stack:
        yield lambda *options: stack.enter_context(_sink(tmp_path, *options))


def _call(client: httpx.Client, key: str, job: str = "job", effect: str = EFFECT) -> bool:
    answer = client.post(
        f"/{effect}", json={"job_id": job, "effect": effect}, headers={"Idempotency-Key": key}
    )
    applied: bool = answer.raise_for_status().json()["applied"]
    return applied


def _calls(client: httpx.Client) -> list[tuple[str, bool, bool]]:
    calls = client.get("/calls").json()
    return [(call["key"], call["applied"], call["unanswered"]) for call in calls]


def test_a_key_is_applied_once_and_every_call_is_logged(start: Callable[..., httpx.Client]) -> None:
    client = start()
    assert [_call(client, key) for key in ("a", "a", "b")] == [True, False, True]
    assert _calls(client) == [("a", True, False), ("a", False, False), ("b", True, False)]


def test_a_receiver_that_ignores_keys_applies_every_call(
    start: Callable[..., httpx.Client],
) -> None:
    client = start("--ignore-keys")
    assert [_call(client, "a"), _call(client, "a")] == [True, True]


def test_a_dropped_reply_is_an_effect_without_an_answer(start: Callable[..., httpx.Client]) -> None:
    client = start("--drop-reply", f"{EFFECT}:once-a-job")
    with pytest.raises(httpx.RemoteProtocolError, match="without sending a response"):
        _call(client, "a")
    assert not _call(client, "a")
    assert _call(client, "b")
    assert _call(client, "c", effect="notify_user")
    with pytest.raises(httpx.RemoteProtocolError):
        _call(client, "d", job="another")
    assert [call[1:] for call in _calls(client)] == [
        *[(True, True), (False, False), (True, False), (True, False), (True, True)],
    ]


def test_every_reply_may_be_dropped(start: Callable[..., httpx.Client]) -> None:
    client = start("--drop-reply", EFFECT)
    for _ in range(2):
        with pytest.raises(httpx.RemoteProtocolError):
            _call(client, "a")


def test_a_slow_receiver_has_applied_the_effect_before_it_answers(
    start: Callable[..., httpx.Client],
) -> None:
    client = start("--delay-s", "5")
    with pytest.raises(httpx.ReadTimeout):
        client.post(
            f"/{EFFECT}",
            json={"job_id": "job", "effect": EFFECT},
            headers={"Idempotency-Key": "a"},
            timeout=1.0,
        )
    assert _calls(client) == [("a", True, False)]


def test_a_job_may_be_refused_an_effect_for_a_while_and_such_a_call_is_not_logged(
    start: Callable[..., httpx.Client],
) -> None:
    client = start()
    client.put("/outages/job", json={"effect": EFFECT, "for_s": 1.0}).raise_for_status()
    with pytest.raises(httpx.HTTPStatusError, match="503"):
        _call(client, "a")
    assert _call(client, "a", job="another")
    assert _call(client, "b", effect="notify_user")
    give_up_at = time.monotonic() + LIMIT_S
    while client.post(
        f"/{EFFECT}", json={"job_id": "job", "effect": EFFECT}, headers={"Idempotency-Key": "c"}
    ).is_error:
        assert time.monotonic() < give_up_at
        time.sleep(0.05)
    assert [key for key, *_ in _calls(client)] == ["a", "b", "c"]
