"""Free TCP ports on the loopback interface."""

import random
import socket

# Below the range from which Linux takes the source ports of outgoing connections, so that a port
# found free is not taken by a connection before its server binds it.
_LOWEST, _HIGHEST = 20_000, 32_000


def free_port() -> int:
    """Return a port that nobody listens on now; `OSError` if none is found."""
    for _ in range(200):
        port = random.SystemRandom().randrange(_LOWEST, _HIGHEST)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise OSError(f"no free port between {_LOWEST} and {_HIGHEST} on 127.0.0.1")


def listening(port: int) -> bool:
    """Whether a server accepts connections on this port of the loopback interface."""
    with socket.socket() as probe:
        probe.settimeout(0.5)
        return probe.connect_ex(("127.0.0.1", port)) == 0
