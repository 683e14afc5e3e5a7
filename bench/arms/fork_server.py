"""Forks the processes of one arm from one that has imported what they need.

`python -m bench.arms.fork_server MODULE...` imports the modules, says `ready` and then reads a JSON
object a line: `{"module", "arguments", "env", "log", "stdin", "stdout"}`. It forks a process that
goes on as `python -m MODULE ARGUMENTS` would, in a session of its own, and answers with its number.
Each is handed to the process that started this one, by forking twice: its parent is gone, and the
nearest subreaper adopts it. One of them may be a fork server itself, which has more modules.
"""

import gc
import importlib
import json
import os
import sys
import tempfile
from collections.abc import Callable, Mapping
from types import ModuleType
from typing import Any

MODULE = "bench.arms.fork_server"
"""What a server has to be told to import, so that it can fork another one."""
READY = b"ready\n"
PRELOAD = "preload"
"""A module that has a function of this name imports more in it than it does by itself."""


def main() -> int:
    """Serve until standard input closes; in what was forked, return what its own main returns."""
    modules = {name: _import(name) for name in sys.argv[1:]}
    # What is there by now is shared with every child for as long as nobody writes to it.
    gc.collect()
    gc.freeze()
    os.write(1, READY)
    # Not sys.stdin: in what is forked, that one may have read ahead from another pipe.
    with open(0, closefd=False) as requests:
        for line in requests:
            request = json.loads(line)
            pid = _fork(request)
            if pid == 0:
                run: Callable[[], int | None] = modules[request["module"]].main
                return run() or 0
            os.write(1, f"{pid}\n".encode())
    return 0


def _import(name: str) -> ModuleType:
    module = importlib.import_module(name)
    # As `python -m` has it: a package runs by its `__main__`.
    if hasattr(module, "__path__"):
        module = importlib.import_module(f"{name}.__main__")
    # At once: the import of the next one may bring in what this one has to prepare.
    getattr(module, PRELOAD, lambda: None)()
    return module


def _fork(request: Mapping[str, Any]) -> int:
    """Return the number of a new process, and 0 in that process."""
    reader, writer = os.pipe()
    between = os.fork()
    if between == 0:
        if os.fork():
            os._exit(0)
        os.close(reader)
        _become(request)
        os.write(writer, str(os.getpid()).encode())
        os.close(writer)
        return 0
    os.close(writer)
    # Once the one between is gone the child has been adopted, and it has a group of its own.
    os.waitpid(between, 0)
    pid = int(os.read(reader, 20))
    os.close(reader)
    return pid


def _become(request: Mapping[str, Any]) -> None:
    """Take on the session, the environment, the arguments and the files of the new process."""
    os.setsid()
    log = os.open(request["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    stdin = os.open(request["stdin"], os.O_RDONLY)
    stdout = os.open(request["stdout"], os.O_WRONLY) if request["stdout"] else log
    for source, target in ((stdin, 0), (stdout, 1), (log, 2)):
        os.dup2(source, target)
    for each in {log, stdin, stdout}:
        os.close(each)
    os.environ.clear()
    os.environ.update(request["env"])
    tempfile.tempdir = None  # it was worked out from another environment
    sys.argv = [request["module"], *request["arguments"]]


if __name__ == "__main__":
    sys.exit(main())
