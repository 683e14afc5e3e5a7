"""The real pipeline, from prompt to picture, on both engines and through a worker's death."""

import io
import os
import signal
from pathlib import Path

import pytest
from PIL import Image

from tests.acceptance.conftest import Served, start_up, stop

PROMPT = "a red circle on a blue background"


def _pictures(served: Served, *, strike: bool) -> dict[str, bytes]:
    """Return a job's files by name; with `strike` its first worker is killed half-way."""
    job_id = served.submitted(prompt=PROMPT, seed=11, steps=120)
    if strike:
        victim = served.computing(job_id, past=40)
        os.killpg(os.getpgid(victim["pid"]), signal.SIGKILL)
    view = served.finished(job_id, limit_s=120)
    assert view["status"] == "succeeded", view
    if strike:
        assert view["result"]["images"][0]["resumed_from"] > 0
    return {item["name"]: served.client.get(item["url"]).content for item in view["artifacts"]}


def test_the_same_seed_gives_the_same_picture_on_both_engines_killed_or_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The picture takes two seconds: Temporal's checkpoints should come more than once in one.
    monkeypatch.setenv("CHANGEOVER_HEARTBEAT_SHARE", "0.05")
    made: list[dict[str, bytes]] = []
    for engine in ("celery", "temporal"):
        (tmp_path / engine).mkdir()
        served = start_up(tmp_path / engine, "--engine", engine, "--detection-budget", "8")
        try:
            made += [_pictures(served, strike=strike) for strike in (False, True)]
        finally:
            assert stop(served) == []
    assert all(files == made[0] for files in made)
    picture = Image.open(io.BytesIO(made[0]["image-0.png"])).convert("RGB")
    red, _, blue = picture.getpixel((32, 32))  # type: ignore[misc]
    assert red > 150 > blue
    red, _, blue = picture.getpixel((3, 3))  # type: ignore[misc]
    assert blue > 150 > red
