"""Where the servers of an arm are."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from urllib.parse import SplitResult, urlsplit

from bench.arms.engines import BROKER_VARIABLE, ENGINES
from bench.arms.named_temporal import EMBEDDED, NamedTemporal
from bench.arms.supervisor import Managed
from shared.domain.durability import Durability

_AMQP_PORT = 5672
_SERVER_NAME = "CHANGEOVER_TEMPORAL_TLS_SERVER_NAME"


@dataclass(frozen=True, slots=True)
class Backends:
    """Where the servers are: those of the engines that are needed, and the outside world."""

    effects_url: str
    addresses: Mapping[str, str]
    """By engine: a URL, or host and port."""
    ui_urls: Mapping[str, str]
    """The web page of an engine's server, by the variable that names it."""
    durability: Durability = Durability.PROCESS
    """What an acknowledged write survives, in every server of ours and in SQLite."""
    server: Managed | None = None
    """The engine's server, where it is this arm's alone."""
    beside: Managed | None = None
    """What that server needs beside it, for this arm alone."""
    broker: str = ""
    """The URL of what carries the messages, where the engine's own server does not."""
    temporal: NamedTemporal | None = None
    """Temporal's server, where it is one of the user's."""
    server_name: str = ""
    """The name in that server's certificate, where the address is a link's."""

    def env(self) -> dict[str, str]:
        """Return the `CHANGEOVER_` variables that lead there."""
        servers = {ENGINES[engine].address_variable: at for engine, at in self.addresses.items()}
        return {
            "CHANGEOVER_EFFECTS_URL": self.effects_url,
            "CHANGEOVER_DURABILITY": self.durability,
            BROKER_VARIABLE: self.broker,
            **servers,
            **self.ui_urls,
            **self._to_temporal(),
        }

    def _to_temporal(self) -> Mapping[str, str]:
        if "temporal" not in self.addresses:
            return {}
        if self.temporal is None:
            return EMBEDDED
        return {_SERVER_NAME: self.server_name} if self.server_name else {}

    def address_of(self, engine: str) -> tuple[str, int]:
        """Return host and port of what carries the engine's messages."""
        if self.broker:
            url = urlsplit(self.broker)
            return url.hostname or "127.0.0.1", url.port or _AMQP_PORT
        url = _split(self.addresses[engine])
        return url.hostname or "127.0.0.1", url.port or ENGINES[engine].usual_port

    def numbered(self, database: int) -> "Backends":
        """Return the same, with another database of the same servers where an address can name one.

        So many arms may share them.
        """
        addresses = {
            engine: urlsplit(address)._replace(path=f"/{database}").geturl()
            if "://" in address
            else address
            for engine, address in self.addresses.items()
        }
        return replace(self, addresses=addresses)

    def through(self, engine: str, port: int) -> "Backends":
        """Return the same, with `address_of` reached by a port of this machine."""
        if self.broker:
            return replace(self, broker=_moved(self.broker, port))
        return replace(
            self,
            addresses={**self.addresses, engine: _moved(self.addresses[engine], port)},
            server_name=self.temporal.server_name if self.temporal else "",
        )


def _moved(address: str, port: int) -> str:
    url = _split(address)
    user = f"{url.netloc.rpartition('@')[0]}@" if "@" in url.netloc else ""
    return url._replace(netloc=f"{user}127.0.0.1:{port}").geturl().removeprefix("//")


def _split(address: str) -> SplitResult:
    return urlsplit(address if "://" in address else f"//{address}")


def configured(name: str) -> str | None:
    """Return a server's address from the environment, None to use the embedded one."""
    return os.environ.get(name) or None
