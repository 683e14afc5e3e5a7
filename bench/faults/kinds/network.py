"""Faults between a worker and its server; both are well, and neither can tell which one is not."""

import asyncio
import time
from dataclasses import replace

from bench.arms.forwarder import Forwarder
from bench.arms.topology import WORKERS
from bench.faults.fault import Facts, Fault, Observation
from shared.domain.impact import Impact

_PARTITION_LEASES = 1.5
_SLOW_BY_S = 0.3
_SLOW_FOR_S = 10.0


class _LinkFault(Fault):
    _cut = 0
    """How many connections the fault struck."""

    def observed(self) -> Observation:
        """The worker was connected and, where the fault aims at an attempt, at work."""
        if not self._cut:
            return Observation(False, "the worker had no connection to cut")
        self.detail = f"{self._cut} connections"
        return super().observed()

    def _link(self) -> Forwarder:
        return self.context.links[self.target.worker]

    def heal(self) -> None:
        """Let everything pass again, at once."""
        link = self._link()
        link.unblock()
        link.delay_s = 0.0

    def healed(self) -> bool:
        """Whether the worker is connected again."""
        return self._link().connections > 0


class ConnectionReset(_LinkFault):
    """Every connection of the worker to its server is reset; it may connect again at once."""

    facts = Facts(
        name="connection-reset",
        impact=Impact.DISCONNECTED,
        row=12,
        title="Connections of a worker reset",
        role="connection of a GPU worker to its server",
        moment="generate_image at 25-75 %",
        heals_by="the worker connects again",
        links=True,
        places=WORKERS,
    )

    async def inject(self) -> float:
        """Reset; return when it did."""
        at = time.monotonic()
        self._cut = self._link().reset()
        return at


class Partition(_LinkFault):
    """No byte passes between the worker and its server for one and a half detection budgets."""

    facts = Facts(
        name="partition",
        impact=Impact.SILENT,
        row=12,
        title="Worker cut off from its server",
        role="connection of a GPU worker to its server",
        moment="generate_image at 10-40 %",
        heals_by="the connection carries again after one and a half detection budgets",
        at=(0.1, 0.4),
        links=True,
        places=WORKERS,
    )

    async def inject(self) -> float:
        """Let nothing pass."""
        at = time.monotonic()
        self._cut = self._link().connections
        self._link().block()
        return at

    async def hold(self) -> None:
        """Wait until the engine must have given the worker up."""
        budget_s = self.context.detection_budget_s
        await asyncio.sleep(self.context.hold_s or _PARTITION_LEASES * budget_s)


class LinkBlackhole(Partition):
    """What a worker sends on its connections is dropped for good, and no reset tells it.

    A firewall or a NAT that loses its state does so. Connections that it makes anew are carried
    once one and a half detection budgets are over.
    """

    facts = replace(
        Partition.facts,
        name="link-blackhole",
        title="Connections of a worker half open",
        heals_by="the worker gives them up and connects again, after 1.5 budgets at the earliest",
    )

    async def inject(self) -> float:
        """Forget every connection, and let nothing pass."""
        at = await super().inject()
        self._link().forget()
        return at


class SlowNetwork(_LinkFault):
    """Each message between the worker and its server takes 300 ms longer, for ten seconds."""

    facts = Facts(
        name="slow-network",
        impact=Impact.SLOWED,
        row=12,
        title="Slow network between a worker and its server",
        role="connection of a GPU worker to its server",
        moment="generate_image at 10-50 %",
        heals_by="the delay ends after 10 s",
        at=(0.1, 0.5),
        links=True,
    )

    async def inject(self) -> float:
        """Delay what passes from now on."""
        at = time.monotonic()
        self._cut = self._link().connections
        self._link().delay_s = _SLOW_BY_S
        return at

    async def hold(self) -> None:
        """Keep the delay up."""
        await asyncio.sleep(_SLOW_FOR_S)
