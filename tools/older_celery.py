"""Measures how a killed worker's and a killed child's task recover, on any version of Celery.

    python -m venv /tmp/older
    /tmp/older/bin/pip install "celery[redis]==5.6.3" "kombu[redis]==5.6.2"
    /tmp/older/bin/python tools/older_celery.py --redis-server "$(command -v redis-server)"

Celery, kombu and redis-py are all that it needs. The settings are those of
`celery_impl/profiles/tuned.toml`, with a detection budget of 20 s; a name that the version does not
know is set all the same, as a team would that copies the profile. Prints one JSON object.
"""

import argparse
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

BUDGET_S, GRACE_S, TASK_S = 20.0, 20.0, 12.0
OUTAGE_PATIENCE_S = 300
ATTEMPTS = 5
POISONED_FOR_S = 30.0
_PORT, _LOG = "OLDER_CELERY_PORT", "OLDER_CELERY_LOG"
_PROFILE = Path(__file__).parents[1] / "celery_impl" / "profiles" / "tuned.toml"
_TRANSPORT = "broker_transport_options."


def _resolved(value: Any) -> Any:
    match value:
        case {"budget_minus": x}:
            return BUDGET_S - x
        case {"budget_times": x}:
            return BUDGET_S * x
        case {"grace_minus": x}:
            return GRACE_S - x
        case {"none": True}:
            return None
        case {"setting": "outage_patience_s", "plus": x}:
            return OUTAGE_PATIENCE_S + x
        case dict():
            return {name: _resolved(each) for name, each in value.items()}
        case _:
            return value


def _settings() -> tuple[dict[str, Any], dict[str, Any]]:
    tables = tomllib.loads(_PROFILE.read_text())
    values = {name: _resolved(table["value"]) for name, table in tables.items() if "value" in table}
    conf = {name: v for name, v in values.items() if "." not in name and not name.isupper()}
    transport = {
        name.removeprefix(_TRANSPORT): v
        for name, v in values.items()
        if name.startswith(_TRANSPORT)
    }
    options = transport["socket_keepalive_options"]
    transport["socket_keepalive_options"] = {
        getattr(socket, name): v for name, v in options.items() if hasattr(socket, name)
    }
    return conf, transport


def _celery() -> Any:
    from celery import Celery  # type: ignore[import-untyped,unused-ignore]

    url = f"redis://127.0.0.1:{os.environ[_PORT]}/0"
    return Celery("older_celery", broker=url, backend=url)


def _sent(task: str) -> str:
    with _celery() as client:
        sent: str = client.send_task(task).id
    return sent


def _app() -> Any:
    conf, transport = _settings()
    made = _celery()
    made.conf.update(conf, broker_transport_options=transport)

    def began(task: Any) -> None:
        with Path(os.environ[_LOG]).open("a") as log:
            log.write(f"{task.request.id} {os.getpid()} {os.getppid()} {time.monotonic()}\n")

    retried = {"bind": True, "max_retries": ATTEMPTS - 1, "default_retry_delay": 1}

    @made.task(name="long", **retried)  # type: ignore[untyped-decorator,unused-ignore]
    def long(self: Any) -> None:
        began(self)
        time.sleep(TASK_S)

    @made.task(name="poison", **retried)  # type: ignore[untyped-decorator,unused-ignore]
    def poison(self: Any) -> None:
        began(self)
        time.sleep(0.2)
        os.kill(os.getpid(), signal.SIGKILL)

    return made


class Lab:
    """A Redis, and workers of one child each in process groups of their own."""

    def __init__(self, folder: Path, redis_server: str) -> None:
        self.folder = folder
        self.log = folder / "began"
        self.log.touch()
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        os.environ |= {_PORT: str(port), _LOG: str(self.log)}
        self._started = [
            subprocess.Popen(
                [redis_server, "--bind", "127.0.0.1", "--port", str(port), "--save", ""],
                stdout=subprocess.DEVNULL,
                cwd=folder,
            )
        ]
        _until(lambda: socket.socket().connect_ex(("127.0.0.1", port)) == 0, "Redis answers", 10)

    def worker(self, name: str) -> subprocess.Popen[bytes]:
        output = self.folder / f"{name}.log"
        argv = [sys.executable, __file__, "--worker", name]
        with output.open("wb") as log:
            process = subprocess.Popen(argv, stdout=log, stderr=log, start_new_session=True)
        self._started.append(process)
        _until(lambda: "ready." in output.read_text(), f"{name} is ready; see {output}", 60)
        return process

    def begun(self, task: str) -> list[tuple[int, int, float]]:
        """Child, worker and moment of each time that a task began."""
        lines = [line.split() for line in self.log.read_text().splitlines()]
        return [(int(pid), int(ppid), float(at)) for who, pid, ppid, at in lines if who == task]

    def close(self) -> None:
        for process in self._started:
            if process.poll() is None:
                process.kill()
            process.wait()


def _until(holds: Callable[[], Any], what: str, limit_s: float) -> None:
    give_up_at = time.monotonic() + limit_s
    while not holds():
        if time.monotonic() > give_up_at:
            raise SystemExit(f"not within {limit_s:g} s: {what}")
        time.sleep(0.02)


def _struck(redis_server: str, whole_worker: bool) -> float:
    """Return the seconds from a SIGKILL in the middle of a task until the task begins again."""
    with tempfile.TemporaryDirectory() as folder:
        lab = Lab(Path(folder), redis_server)
        try:
            for name in ("left", "right"):
                lab.worker(name)
            task = _sent("long")
            _until(lambda: lab.begun(task), "the task begins", 30)
            child, worker, _ = lab.begun(task)[0]
            time.sleep(TASK_S / 4)
            at = time.monotonic()
            if whole_worker:
                os.killpg(worker, signal.SIGKILL)
            else:
                os.kill(child, signal.SIGKILL)
            _until(lambda: len(lab.begun(task)) > 1, "the task begins again", 500)
            return round(lab.begun(task)[1][2] - at, 1)
        finally:
            lab.close()


def _poisoned(redis_server: str) -> int:
    """Return how often a task that kills its child begins in POISONED_FOR_S."""
    with tempfile.TemporaryDirectory() as folder:
        lab = Lab(Path(folder), redis_server)
        try:
            lab.worker("only")
            task = _sent("poison")
            time.sleep(POISONED_FOR_S)
            return len(lab.begun(task))
        finally:
            lab.close()


def main() -> None:
    """Measure, or be one of the workers that are measured."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--redis-server", default="redis-server")
    parser.add_argument("--trials", type=int, default=3)
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.worker:
        _app().Worker(hostname=f"{asked.worker}@local", concurrency=1, loglevel="INFO").start()
        return
    server, trials = asked.redis_server, range(asked.trials)
    told = {
        "versions": {name: version(name) for name in ("celery", "kombu", "redis")},
        "worker killed, begins again after s": [_struck(server, True) for _ in trials],
        "child killed, begins again after s": [_struck(server, False) for _ in trials],
        f"poison, begun in {POISONED_FOR_S:g} s": _poisoned(server),
    }
    print(json.dumps(told, indent=1))


if __name__ == "__main__":
    main()
