"""Faults that strike an engine's server: Celery's broker, Temporal's service. Its data is kept."""

import asyncio
import time

from bench.arms.ending import end_within_grace, kill_at_once
from bench.faults.fault import Facts, Fault
from shared.domain.impact import Impact

_DOWN_FOR_S = 15.0
_LONG_DOWN_FOR_S = 60.0
_BY_RESTART = "the supervisor starts the server again on its data"


class _ServerFault(Fault):
    _pid = 0

    async def inject(self) -> float:
        """Kill the server; return when the signal was sent."""
        server = self.context.server_of_its_own()
        self._pid = server.pid
        return await kill_at_once(server)

    def healed(self) -> bool:
        """Whether another process has taken the server's place."""
        server = self.context.server_of_its_own()
        return server.pid != self._pid and not server.exited()


class ServerRestart(_ServerFault):
    """The server is stopped in good order and started again."""

    facts = Facts(
        name="server-restart",
        impact=Impact.DISCONNECTED,
        row=10,
        title="Server restarted (SIGTERM)",
        role="server",
        moment="generate_image at 25-75 %",
        heals_by=_BY_RESTART,
        whole_arm=True,
        own_server=True,
    )

    async def inject(self) -> float:
        """Tell the server to stop, and see it out."""
        server = self.context.server_of_its_own()
        self._pid, at = server.pid, time.monotonic()
        server.terminate()
        await end_within_grace(server, self._pid)
        return at


class ServerSigkill(_ServerFault):
    """The server dies without a word."""

    facts = Facts(
        name="server-sigkill",
        impact=Impact.DISCONNECTED,
        row=11,
        title="Server killed (SIGKILL)",
        role="server",
        moment="generate_image at 25-75 %",
        heals_by=_BY_RESTART,
        whole_arm=True,
        own_server=True,
    )


class ServerDownAtEnd(_ServerFault):
    """The server is down for 15 s just as a step ends: longer than a client's usual patience."""

    down_for_s = _DOWN_FOR_S

    facts = Facts(
        name="server-down-at-end",
        impact=Impact.DISCONNECTED,
        row=13,
        title="Server down for 15 s as a step ends",
        role="server",
        moment="generate_image at 80-90 %",
        heals_by=f"{_BY_RESTART}, after 15 s",
        at=(0.8, 0.9),
        outage_s=_DOWN_FOR_S,
        whole_arm=True,
        own_server=True,
    )

    async def inject(self) -> float:
        """Kill the server, and keep it from being started again."""
        self.context.server_of_its_own().held = True
        return await super().inject()

    async def hold(self) -> None:
        """Keep it down."""
        await asyncio.sleep(self.down_for_s)

    def heal(self) -> None:
        """Let it be started."""
        self.context.server_of_its_own().held = False


class ServerDownLong(ServerDownAtEnd):
    """The server is down for a minute just as a step ends: longer than dozens of retries."""

    down_for_s = _LONG_DOWN_FOR_S
    facts = Facts(
        name="server-down-long",
        impact=Impact.DISCONNECTED,
        row=None,
        title="Server down for 60 s as a step ends",
        role="server",
        moment="generate_image at 80-90 %",
        heals_by=f"{_BY_RESTART}, after 60 s",
        at=(0.8, 0.9),
        outage_s=_LONG_DOWN_FOR_S,
        whole_arm=True,
        own_server=True,
    )
