"""Where the servers of an arm are."""

import os
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from bench.arms.supervisor import Managed

_USUAL_PORTS = {"celery": 6379, "temporal": 7233}


@dataclass(frozen=True, slots=True)
class Backends:
    """Where the servers are; what is None is not needed."""

    redis_url: str | None
    temporal_address: str | None
    temporal_ui_url: str | None
    effects_url: str
    server: Managed | None = None
    """The engine's server, where it is this arm's alone."""

    def env(self) -> dict[str, str]:
        """Return the `CHANGEOVER_` variables that lead there."""
        found = {
            "CHANGEOVER_EFFECTS_URL": self.effects_url,
            "CHANGEOVER_REDIS_URL": self.redis_url,
            "CHANGEOVER_TEMPORAL_ADDRESS": self.temporal_address,
            "CHANGEOVER_TEMPORAL_UI_URL": self.temporal_ui_url,
        }
        return {name: value for name, value in found.items() if value}

    def address_of(self, engine: str) -> tuple[str, int]:
        """Return host and port of the engine's server."""
        address = self.redis_url if engine == "celery" else f"//{self.temporal_address}"
        url = urlsplit(address or "")
        return url.hostname or "127.0.0.1", url.port or _USUAL_PORTS[engine]

    def through(self, engine: str, port: int) -> "Backends":
        """Return the same, with the engine's server reached by a port of this machine."""
        if engine == "temporal":
            return replace(self, temporal_address=f"127.0.0.1:{port}")
        url = urlsplit(self.redis_url or "")
        user = f"{url.netloc.rpartition('@')[0]}@" if "@" in url.netloc else ""
        return replace(self, redis_url=url._replace(netloc=f"{user}127.0.0.1:{port}").geturl())


def configured(name: str) -> str | None:
    """Return a server's address from the environment, None to use the embedded one."""
    return os.environ.get(name) or None
