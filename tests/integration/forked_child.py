"""What the tests of the fork server fork: tells of itself, starts a child and waits."""

import json
import os
import subprocess
import sys
import tempfile
import time

IMPORTED_BY = os.getpid()
"""The process that ran this module's code."""


def preload() -> None:
    """Fail if told to, as a worker does whose settings are wrong."""
    if os.environ.get("FAIL_TO_IMPORT"):
        raise SystemExit(3)


def main() -> int:
    """Print what this process is, and go on until it is killed."""
    if "--end" in sys.argv:
        return 7
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(300)"])
    seen = {
        "pid": os.getpid(),
        "parent": os.getppid(),
        "group": os.getpgid(0),
        "child": child.pid,
        "imported_by": IMPORTED_BY,
        "arguments": sys.argv[1:],
        "own": os.environ.get("OWN"),
        "temporary": tempfile.gettempdir(),
    }
    print(json.dumps(seen), flush=True)
    time.sleep(300)
    return 0


if __name__ == "__main__":
    sys.exit(main())
