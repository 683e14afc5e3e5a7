"""A worker says that it is ready, and goes on saying so until it stops.

`python -m shared.presence` is a worker's health check: it exits 0 if the worker of this environment
has said so lately, else 1.
"""

import logging
import os
import sys
import threading

from shared.adapters.sql import DatabaseError, connect
from shared.adapters.workers import SqlWorkers
from shared.ports.workers import Workers
from shared.settings import Settings

_EVERY_S = 1.0
_log = logging.getLogger(__name__)


class Presence:
    """Announces one worker process every second from a daemon thread."""

    def __init__(self, workers: Workers, name: str, role: str, engine: str) -> None:
        self._workers = workers
        self._name = name
        self._role = role
        self._engine = engine
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="presence", daemon=True)

    def start(self) -> None:
        """Announce now, and from now on."""
        self._thread.start()

    def stop(self) -> None:
        """Sign off; bounded by the database's own time-out."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(timeout=_EVERY_S)
        try:
            self._workers.leave(self._name, os.getpid())
        except DatabaseError as error:
            _log.warning("could not sign off: %s", error)

    def _run(self) -> None:
        while True:
            try:
                self._workers.beat(self._name, self._role, self._engine, os.getpid())
            except DatabaseError as error:
                _log.warning("could not announce this worker: %s", error)
            if self._stopping.wait(_EVERY_S):
                return


def main() -> int:
    """Return 0 if this environment's worker is alive."""
    settings = Settings.from_environment()
    alive = SqlWorkers(connect(settings.database_url)).alive()
    return 0 if settings.worker_name in {worker.name for worker in alive} else 1


if __name__ == "__main__":
    sys.exit(main())
