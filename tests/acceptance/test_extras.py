"""Where an extra is not installed, what needs it says so before anything starts; the rest works."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.acceptance.conftest import start_up, stop

ROOT = Path(__file__).parents[2]
IMAGES = "accelerate,diffusers,safetensors,torch,transformers"
FACES = "av,dlib,face_recognition_models,numpy"
ALL = f"{IMAGES},{FACES}"
NEEDS_IMAGES = "the diffusers driver needs torch"
NEEDS_MEDIA = "a face session needs"


def _run(hidden: str, folder: Path, *argv: str, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tests.without", hidden, *argv],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT), **env},
        cwd=folder,
        timeout=120,
        check=False,
    )


@pytest.mark.parametrize(
    ("hidden", "argv", "says", "extra"),
    [
        (ALL, ["bench", "compare"], NEEDS_IMAGES, "images"),
        (ALL, ["bench", "up"], NEEDS_IMAGES, "images"),
        (ALL, ["bench", "doctor"], NEEDS_IMAGES, "images"),
        # The second is looked at before the first is run.
        (FACES, ["bench", "chaos", "smoke", "matrix"], NEEDS_MEDIA, "faces"),
        (ALL, ["celery_impl.worker", "--role", "gpu"], NEEDS_IMAGES, "images"),
        (ALL, ["temporal_impl.worker", "--role", "gpu"], NEEDS_IMAGES, "images"),
        ("dlib", ["celery_impl.worker", "--role", "gpu"], "the dlib driver needs dlib", "faces"),
        ("dlib", ["temporal_impl.worker", "--role", "gpu"], "the dlib driver needs dlib", "faces"),
        ("av", ["shared.facade"], "a face session needs av", "faces"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_what_needs_an_extra_says_which_one_and_starts_nothing(
    tmp_path: Path, hidden: str, argv: list[str], says: str, extra: str
) -> None:
    done = _run(hidden, tmp_path, *argv)
    assert done.returncode == 3, done.stderr
    assert done.stdout == ""
    assert says in done.stderr
    assert f"pip install 'changeover[{extra}]'" in done.stderr
    assert "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_up_refuses_face_sessions_that_were_asked_for_by_name(tmp_path: Path) -> None:
    argv = ["bench", "up", "--compute", "simulated"]
    done = _run("av", tmp_path, *argv, CHANGEOVER_WORKLOADS='["face-similarity"]')
    assert (done.returncode, done.stdout) == (3, "")
    assert "a face session needs av: pip install 'changeover[faces]'" in done.stderr


def test_up_serves_pictures_where_no_extra_is_installed_and_says_what_it_leaves_out(
    tmp_path: Path,
) -> None:
    served = start_up(tmp_path, "--compute", "simulated", hidden=ALL)
    try:
        job_id = served.submitted(steps=2)
        assert served.finished(job_id)["status"] == "succeeded"
        refused = served.client.post("/v1/jobs/face-similarity", json={})
        assert refused.status_code == 404
        said = served.log.read_text()
        assert "face sessions are not served: a face session needs numpy and av" in said
    finally:
        assert stop(served) == []
