"""What the outside world received: every call of a run, as the effect sink logged it."""

import httpx

from shared.domain.records import EffectRecord

_LIMIT_S = 300.0
"""A soak's are many."""


async def calls_of(sink_url: str) -> list[EffectRecord]:
    """Return every call that a sink has received; `httpx.HTTPError` if it does not answer."""
    async with httpx.AsyncClient(base_url=sink_url, timeout=_LIMIT_S) as client:
        calls = (await client.get("/calls")).raise_for_status().json()
    return [EffectRecord(**call) for call in calls]
