"""The servers of a run: embedded ones for whatever the environment does not name."""

from collections.abc import Sequence
from pathlib import Path

from bench.services import start_effect_sink, start_redis, start_temporal
from bench.supervisor import Supervisor
from bench.topology import Backends, configured


async def start_backends(
    supervisor: Supervisor, folder: Path, engines: Sequence[str], namespaces: Sequence[str]
) -> Backends:
    """Start what `engines` need and no `CHANGEOVER_` variable points to already."""
    redis_url = configured("CHANGEOVER_REDIS_URL")
    if "celery" in engines and redis_url is None:
        redis_url = (await start_redis(supervisor, folder / "redis")).url
    address = configured("CHANGEOVER_TEMPORAL_ADDRESS")
    ui_url = configured("CHANGEOVER_TEMPORAL_UI_URL")
    if "temporal" in engines and address is None:
        server = await start_temporal(supervisor, folder / "temporal", namespaces)
        address, ui_url = server.address, server.ui_url
    effects_url = configured("CHANGEOVER_EFFECTS_URL")
    if effects_url is None:
        effects_url = (await start_effect_sink(supervisor, folder / "effects")).url
    return Backends(redis_url, address, ui_url, effects_url)
