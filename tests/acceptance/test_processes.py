"""Every process that is started is ended, however the command ends."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import httpx
import psutil
import pytest

from tests.acceptance.conftest import Served, start_up, stop


def _up(folder: Path, engine: str = "celery") -> Served:
    return start_up(
        folder,
        *("--engine", engine, "--compute", "simulated", "--detection-budget", "5"),
        CHANGEOVER_STOP_GRACE_S="6",
    )


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_up_leaves_no_process_behind(tmp_path: Path, number: signal.Signals) -> None:
    served = _up(tmp_path)
    served.computing(served.submitted(steps=150))
    # Whoever is killed cannot clean up; the guardian, in a session of its own, does it then.
    assert stop(served, number) == []


def test_up_says_130_when_it_is_interrupted(tmp_path: Path) -> None:
    served = _up(tmp_path, "temporal")
    assert stop(served) == []
    assert served.process.returncode == 130
    assert "every process was ended" in served.log.read_text()


def test_two_runs_at_once_do_not_disturb_each_other(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    first, second = _up(tmp_path / "a"), _up(tmp_path / "b")
    job_id = first.submitted(steps=3)
    assert second.client.get(f"/v1/jobs/{job_id}").status_code == 404
    assert first.finished(job_id)["status"] == "succeeded"
    assert stop(first) == []
    assert second.finished(second.submitted(steps=3))["status"] == "succeeded"
    assert stop(second) == []


@pytest.mark.parametrize("engine", ["celery", "temporal"])
def test_status_answers_while_every_worker_is_down(tmp_path: Path, engine: str) -> None:
    served = _up(tmp_path, engine)
    try:
        job_id = served.submitted(steps=150)
        served.computing(job_id)
        for process in _of(served, f"{engine}_impl.worker"):
            process.suspend()
        view = served.view(job_id)
        assert view["status"] == "running"
        assert view["step"].startswith("generate_image")
        assert served.submit(steps=2).status_code == 202
    finally:
        for process in _of(served, f"{engine}_impl.worker"):
            process.kill()
        assert stop(served) == []


@pytest.mark.parametrize(
    ("engine", "server"), [("celery", "valkey-server"), ("temporal", "start-dev")]
)
def test_an_engine_that_is_down_is_a_503_with_nothing_accepted(
    tmp_path: Path, engine: str, server: str
) -> None:
    served = _up(tmp_path, engine)
    try:
        before = served.client.get("/v1/jobs").json()["jobs"]
        [broken] = _of(served, server)
        broken.suspend()
        began = time.monotonic()
        answer = served.submit("the-key", steps=3, seed=3)
        took_s = time.monotonic() - began
        assert answer.status_code == 503, answer.text
        assert int(answer.headers["retry-after"]) > 0
        assert took_s < 4  # the bound of 2 s is checked by the bench; this catches a hang
        broken.resume()
        give_up_at = time.monotonic() + 30
        while (retried := served.submit("the-key", steps=3, seed=3)).status_code == 503:
            assert time.monotonic() < give_up_at
            time.sleep(0.2)
        job_id = retried.json()["job_id"]
        assert served.finished(job_id)["status"] == "succeeded"
        after = served.client.get("/v1/jobs").json()["jobs"]
        assert len(after) == len(before) + 1
    finally:
        for process in _of(served, server):
            process.resume()
        assert stop(served) == []


def test_the_flag_moves_new_jobs_and_leaves_old_ones_where_they_are(tmp_path: Path) -> None:
    served = start_up(
        tmp_path,
        *("--engine", "both", "--compute", "simulated"),
        CHANGEOVER_BACKEND="temporal",
    )
    try:
        job_id = served.submitted(steps=3)
        assert served.view(job_id)["engine"] == "temporal"
        assert served.finished(job_id)["status"] == "succeeded"
        workers = served.client.get("/v1/operator/workers").json()
        assert {worker["engine"] for worker in workers} == {"celery", "temporal"}
    finally:
        assert stop(served) == []


@pytest.mark.parametrize(
    ("arguments", "env", "status", "says"),
    [
        (["up", "--profile", "nonsense"], {}, 3, "nonsense"),
        (["up"], {"CHANGEOVER_BACKEND": "kafka"}, 2, "celery or temporal"),
        (["up"], {"CHANGEOVER_DEVICE": "tpu"}, 2, "CHANGEOVER_DEVICE"),
        (["compare", "no-such-scenario"], {}, 2, "no-such-scenario"),
        (["report", "no-such-folder"], {}, 2, "run folder"),
        (["fly"], {}, 2, "fly"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_wrong_usage_is_refused_with_a_clear_word(
    tmp_path: Path, arguments: list[str], env: dict[str, str], status: int, says: str
) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "bench", *arguments],
        capture_output=True,
        text=True,
        env={**os.environ, **env, "COLUMNS": "200"},
        cwd=tmp_path,
        timeout=120,
        check=False,
    )
    assert (done.returncode, done.stdout) == (status, "")
    assert says in done.stderr
    assert "Traceback" not in done.stderr


def test_a_taken_port_is_named(tmp_path: Path) -> None:
    served = _up(tmp_path)
    try:
        port = httpx.URL(str(served.client.base_url)).port
        done = subprocess.run(
            [sys.executable, "-m", "bench", "up", "--port", str(port), "--results", str(tmp_path)],
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 3
        assert str(port) in done.stderr
    finally:
        assert stop(served) == []


def _of(served: Served, part: str) -> list[psutil.Process]:
    """Return the run's processes whose command line has this part, parents first."""
    return [
        process for process in served.processes() if any(part in word for word in process.cmdline())
    ]
