"""What an arm says of itself once it runs: the settings in force, its bounds, its server."""

from dataclasses import dataclass

import httpx

from bench.arms.topology import Stack
from bench.record.run_info import ServiceInfo
from shared.domain.impact import Impact
from shared.domain.jobs import Bound, EffectiveSetting

_LIMIT_S = 10.0


@dataclass(frozen=True, slots=True)
class ArmFacts:
    """`bounds` are by impact."""

    settings: list[EffectiveSetting]
    bounds: dict[Impact, Bound]
    service: ServiceInfo


async def ask(stack: Stack) -> ArmFacts:
    """Ask a stack's facade; `httpx.HTTPError` if it does not answer."""
    async with httpx.AsyncClient(base_url=stack.url, timeout=_LIMIT_S) as client:
        settings = (await client.get("/v1/operator/settings")).raise_for_status().json()
        bounds = (await client.get("/v1/operator/bounds")).raise_for_status().json()
        health = (await client.get("/readyz")).raise_for_status().json()["health"]
    return ArmFacts(
        [EffectiveSetting(**setting) for setting in settings],
        {Impact(impact): Bound(**bound) for impact, bound in bounds.items()},
        ServiceInfo(stack.arm.engine, health["server"], health["persistence"]),
    )
