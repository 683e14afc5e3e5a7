"""A Celery worker whose stop nobody asked for, and that waits for what does not end, ends."""

import subprocess
import sys

from celery.platforms import EX_FAILURE

SCRIPT = """
import time
from types import SimpleNamespace
from celery_impl.ending import EndsInTime
worker = SimpleNamespace(
    app=SimpleNamespace(settings=SimpleNamespace(stop_grace_s=0.5)), steps=[]
)
EndsInTime(worker).stop(worker)
time.sleep(60)  # as a pool that waits for its tasks
"""


def test_a_worker_that_cannot_stop_by_itself_ends_once_its_grace_is_over() -> None:
    ended = subprocess.run(
        [sys.executable, "-c", SCRIPT], capture_output=True, text=True, timeout=30, check=False
    )
    assert ended.returncode == EX_FAILURE
    assert "this worker ends now" in ended.stderr
