"""The parent of a worker stays clean, so that its children may be forked or spawned."""

import pickle
import subprocess
import sys

from celery_impl.child import build_worker_app
from shared.policy import Queue
from shared.settings import Settings

_PARENT = """
import sys
from celery_impl.child import build_worker_app
from shared.policy import Queue
from shared.settings import Settings

app = build_worker_app(Settings(database_url="sqlite:////nowhere/at.all"), Queue.GPU)
app.Worker(concurrency=1, queues=["gpu"])
print(sorted(sys.modules.keys() & {"torch", "diffusers"}))
"""


def test_the_parent_imports_no_torch_and_opens_no_database() -> None:
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", _PARENT], capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == "[]"


def test_a_spawned_child_gets_the_same_application() -> None:
    app = build_worker_app(Settings(namespace="elsewhere"), Queue.CPU)
    copy = pickle.loads(pickle.dumps(app))
    assert copy.settings == app.settings
    assert copy.conf.task_queues == app.conf.task_queues
    assert set(copy.tasks) == set(app.tasks)
