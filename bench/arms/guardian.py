"""Ends every process group of a run when the run's own process is gone, however it went.

The supervisor holds the write end of this process's standard input and names each group that it
starts (`+PGID`) and each that it has ended (`-PGID`). When the pipe closes, because the supervisor
closed it or because it was killed, whatever is still named is killed.
"""

import contextlib
import os
import signal
import sys


def main() -> None:
    """Read standard input until it closes, then clean up."""
    # A Ctrl-C at the terminal is the supervisor's business; this process must outlive it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    groups: set[int] = set()
    for line in sys.stdin:
        sign, group = line[0], int(line[1:])
        if sign == "+":
            groups.add(group)
        else:
            groups.discard(group)
    for group in groups:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(group, signal.SIGKILL)


if __name__ == "__main__":
    main()
