"""`changeover capabilities` as a user interrupts it."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest


def _running(process: "subprocess.Popen[str]") -> list[psutil.Process]:
    return psutil.Process(process.pid).children(recursive=True)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_an_interrupted_suite_leaves_no_process_behind(
    tmp_path: Path, number: signal.Signals
) -> None:
    log = tmp_path / "capabilities.log"
    with log.open("w") as out:
        process = subprocess.Popen(
            [
                *(sys.executable, "-m", "bench", "capabilities"),
                *("--engine", "celery", "--results", str(tmp_path / "results")),
            ],
            stdout=out,
            stderr=out,
            text=True,
            env=dict(os.environ),
            start_new_session=True,
        )
    give_up_at = time.monotonic() + 60
    while not any("celery_impl.patterns.worker" in part for part in _commands(process)):
        assert process.poll() is None, log.read_text()
        assert time.monotonic() < give_up_at, log.read_text()
        time.sleep(0.1)
    started = _running(process)
    process.send_signal(number)
    process.wait(timeout=60)
    _, alive = psutil.wait_procs(started, timeout=30)
    assert alive == []
    if number is signal.SIGINT:
        assert process.returncode == 130
        assert "every process was ended" in log.read_text()


def _commands(process: "subprocess.Popen[str]") -> list[str]:
    found: list[str] = []
    for child in _running(process):
        try:
            found += child.cmdline()
        except psutil.Error:
            continue
    return found
